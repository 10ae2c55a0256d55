"""The tables of schema ``ml`` that recommendations are served from: columns with DuckDB types."""

from __future__ import annotations

#: Items of a list, and days within which a user has to have done something to get one.
K = 20
ACTIVE_DAYS = 90

#: ``ml.recommendations``, key shop_id, user_id, rank.
RECOMMENDATION_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "user_id": "VARCHAR",
    "rank": "INTEGER",
    "item_id": "VARCHAR",
    "score": "DOUBLE",
    "reason": "VARCHAR",
    "reason_zh": "VARCHAR",
    "because_item_id": "VARCHAR",
    "evidence": "BIGINT",
    "model": "VARCHAR",
    "model_version": "VARCHAR",
    "as_of": "DATE",
    "updated_for": "DATE",
}
#: ``ml.item_similarities``, key shop_id, kind, item_id, rank.
SIMILARITY_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "item_id": "VARCHAR",
    "kind": "VARCHAR",
    "rank": "INTEGER",
    "similar_item_id": "VARCHAR",
    "score": "DOUBLE",
    "users": "BIGINT",
    "model_version": "VARCHAR",
    "as_of": "DATE",
}
#: ``ml.newcomer_recommendations``, key shop_id, scope, scope_value, rank.
NEWCOMER_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "scope": "VARCHAR",
    "scope_value": "VARCHAR",
    "rank": "INTEGER",
    "item_id": "VARCHAR",
    "score": "DOUBLE",
    "reason": "VARCHAR",
    "reason_zh": "VARCHAR",
    "model": "VARCHAR",
    "model_version": "VARCHAR",
    "as_of": "DATE",
}
#: ``ml.recommendation_runs``, key shop_id: what the last run did, and what the next has to know to go on from it.
#: ``catalogue_digest`` names the products on sale and, after a dash, the days of the log that had settled.
RUN_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "as_of": "DATE",
    "users": "BIGINT",
    "users_scored_anew": "BIGINT",
    "items_on_sale": "BIGINT",
    "items_shown": "BIGINT",
    "catalogue_digest": "VARCHAR",
    "model_version": "VARCHAR",
}
#: ``ml.unknown_categories``, key shop_id, item_category: named as bought once by the shop's settings, and no product's.
UNKNOWN_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "item_category": "VARCHAR",
    "model_version": "VARCHAR",
    "as_of": "DATE",
}

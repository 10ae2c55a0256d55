"""Recommendations as the models write them, made up by SQL from the products and users of a warehouse of dbt's."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from tests.warehouse.planted_scores import GONE

_VERSION = "'v1' as model_version, as_of"
_REASON = "'Popular this week' as reason, '本周热门' as reason_zh"
#: Each product's number is its place in the order of ids; lists go by it, so that a test can tell what comes where.
_INPUTS = (
    "with items as (select shop_id, item_id, item_category, date '{as_of}' as as_of, row_number() over "
    "(partition by shop_id order by item_id) as number from marts.dim_products where is_current), "
    "users as (select distinct shop_id, user_id from features.feat_user_item_days "
    f"union all select distinct shop_id, 'customer:{GONE}' from marts.dim_products) "
)
_TABLES = {
    "recommendations": "select shop_id, user_id, number::integer as rank, item_id, 1 / number as score, "
    f"{_REASON}, null::varchar as because_item_id, null::bigint as evidence, 'popularity_recent' as model, "
    f"{_VERSION}, as_of - 1 as updated_for from users inner join items using (shop_id) where number <= 5",
    "item_similarities": "select a.shop_id, a.item_id, kind, (b.number - a.number)::integer as rank, "
    "b.item_id as similar_item_id, 0.5 as score, if(kind = 'content', null, 3) as users, "
    "'v1' as model_version, a.as_of from items as a inner join items as b on b.shop_id = a.shop_id "
    "and b.number between a.number + 1 and a.number + 3 "
    "cross join (select unnest(['viewed', 'bought', 'content']) as kind)",
    "newcomer_recommendations": "select shop_id, 'shop' as scope, '' as scope_value, number::integer as rank, item_id, "
    f"1 / number as score, {_REASON}, 'popularity_recent' as model, {_VERSION} from items where number <= 5 "
    "union all by name select shop_id, 'category' as scope, item_category as scope_value, row_number() over "
    f"(partition by shop_id, item_category order by number) as rank, item_id, 1 / number as score, {_REASON}, "
    f"'popularity_recent' as model, {_VERSION} from items where item_category is not null "
    # a place where the last ones come first
    "union all by name select shop_id, 'region' as scope, 'CN / 广东' as scope_value, (6 - number)::integer as rank, "
    f"item_id, 6 - number as score, {_REASON}, 'popularity_recent' as model, {_VERSION} from items where number <= 5",
    # a model of sessions may well say that people come back to the product itself
    "session_next_items": "select a.shop_id, a.item_id, (1 + b.number - a.number)::integer as rank, "
    "b.item_id as next_item_id, 0.25 as score, 7 as sessions, 'sequential_rules' as model, 'v1' as model_version, "
    "a.as_of from items as a inner join items as b on b.shop_id = a.shop_id "
    "and b.number between a.number and a.number + 3",
    "association_rules": "select a.shop_id, 'rule of ' || a.item_id as rule_id, [a.item_id, b.item_id] as antecedent, "
    "2 as antecedent_size, c.item_id as consequent_item_id, 3 as baskets_both, 4 as baskets_antecedent, "
    "6 as baskets_consequent, 100 as baskets, 0.03 as support, 0.75 as confidence, 12.5 as lift, 0.0276 as leverage, "
    "0.001 as p_value, 'v1' as model_version, a.as_of from items as a "
    "inner join items as b on b.shop_id = a.shop_id and b.number = a.number + 1 "
    "inner join items as c on c.shop_id = a.shop_id and c.number = a.number + 2",
    "cross_sell": "select a.shop_id, a.item_id, (b.number - a.number)::integer as rank, b.item_id as partner_item_id, "
    "3 as baskets_both, 4 as baskets_item, 6 as baskets_partner, 100 as baskets, 0.03 as support, 0.75 as confidence, "
    "12.5 as lift, 2.6 as lift_low, 16.0 as lift_high, 0.0276 as leverage, 0.001 as p_value, 'v1' as model_version, "
    "a.as_of from items as a inner join items as b on b.shop_id = a.shop_id and b.number between a.number + 1 "
    "and a.number + 2",
    "buy_again": "select shop_id, user_id, number::integer as rank, item_id, 1 / (1 + number) as purchase_probability, "
    "30 as horizon_days, 2 as orders, as_of - 31 as last_bought, 'Bought 2 times, last 31 days ago' as reason, "
    f"'买过2次，上次在31天前' as reason_zh, 'repeat_model' as model, {_VERSION} "
    "from users inner join items using (shop_id) where number <= 5",
    "evaluation": "select capability, shop_id, as_of - days as as_of, model, 'recall@20' as metric, "
    "if(days = 0, 0.2, 0.1) as value, 0.05 as ci_low, 0.3 as ci_high, 500 as n, 42 as seed, 'v1' as model_version, "
    "'{}' as detail from (select distinct shop_id, as_of from items) "
    "cross join (select unnest("
    "['recommendations', 'session_next_items', 'association_rules', 'buy_again', 'churn']) as capability) "
    "cross join (select unnest(['item_knn', 'popularity']) as model) cross join (select unnest([0, 7]) as days)",
}


def plant_recommendations(warehouse: Path, as_of: date) -> None:
    """Write the tables of schema ``ml`` that the marts of recommendations stand on, and an evaluation of two days."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema if not exists ml")
        for table, rows in _TABLES.items():
            inputs = _INPUTS.format(as_of=as_of)
            connection.execute(f"create or replace table ml.{table} as {inputs} {rows}")

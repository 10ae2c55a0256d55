"""The rules of one shop: what its orders of the last days say, as rows of the warehouse's tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import duckdb
import pandas as pd

from ml.evaluation.enough import NotEnoughData
from ml.recommend.rules.baskets import open_baskets
from ml.recommend.rules.cross_sell import cross_sell
from ml.recommend.rules.limits import RuleLimits
from ml.recommend.rules.pairs import count_pairs
from ml.recommend.rules.rules import association_rules
from ml.recommend.rules.variants import Families, rules_without_variants

_COUNTS = {"n_baskets": "BIGINT", "support": "DOUBLE", "confidence": "DOUBLE", "lift": "DOUBLE"}
_EVIDENCE = {
    "lift_low": "DOUBLE",
    "lift_high": "DOUBLE",
    "leverage": "DOUBLE",
    "p_value": "DOUBLE",
    "p_adjusted": "DOUBLE",
}
#: Column -> DuckDB type of ``ShopRules.rules``, key shop_id, antecedent, consequent_item_id.
RULE_TABLE_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "as_of": "DATE",
    "window_days": "INTEGER",
    "antecedent": "VARCHAR[]",
    "consequent_item_id": "VARCHAR",
    "n_both": "BIGINT",
    "n_antecedent": "BIGINT",
    "n_consequent": "BIGINT",
    **_COUNTS,
    **_EVIDENCE,
}
#: Column -> DuckDB type of ``ShopRules.partners``, key shop_id, item_id, rank.
CROSS_SELL_TABLE_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "as_of": "DATE",
    "window_days": "INTEGER",
    "item_id": "VARCHAR",
    "rank": "BIGINT",
    "partner_item_id": "VARCHAR",
    "n_both": "BIGINT",
    "n_item": "BIGINT",
    "n_partner": "BIGINT",
    **_COUNTS,
    **_EVIDENCE,
}

#: What was bought and not called off: an item returned later was still bought with the others.
_BASKETS = """
SELECT items.order_id AS basket, items.item_id AS item
FROM marts.fct_order_items AS items
WHERE
    items.shop_id = ? AND items.line_type = 'purchase' AND items.line_date >= ? AND items.line_date < ?
    AND NOT EXISTS (
        SELECT 1
        FROM marts.fct_orders AS orders
        WHERE orders.shop_id = items.shop_id AND orders.order_id = items.order_id AND orders.status = 'cancelled'
    )
"""


#: A rule that holds once in ten is the least that is worth a place on a page.
SHOP_LIMITS = RuleLimits(min_count=3, min_confidence="0.1", max_items=3)


@dataclass(frozen=True)
class ShopRules:
    """``rules`` with ``RULE_TABLE_COLUMNS``, ``partners`` with ``CROSS_SELL_TABLE_COLUMNS``, and in ``detail`` what
    they were made of, and what was left out why (for metadata)."""

    rules: pd.DataFrame
    partners: pd.DataFrame
    detail: dict[str, int | float | str]


def learn_rules(
    connection: duckdb.DuckDBPyConnection,
    shop_id: str,
    as_of: dt.date,
    *,
    window_days: int = 365,
    k: int = 10,
    limits: RuleLimits = SHOP_LIMITS,
    most_false: float = 0.05,
    withdrawn: Collection[str] = (),
    families: Families | None = None,
) -> ShopRules:
    """Rules and partners from the shop's orders of the ``window_days`` before ``as_of``.

    Rules that luck would explain (``p_adjusted`` above ``most_false``) or that a shorter one makes superfluous are
    left out, and counted in ``detail``. So are rules that would offer what is ``withdrawn``, a variant of what is in
    the basket, or several variants of one product (``families``: item -> family); partners likewise, at most ``k`` an
    item. What was withdrawn still leads to others: it may be in somebody's basket.

    Raises ``NotEnoughData`` where fewer orders hold several products than a rule must be seen in, and
    ``ValueError`` where ``window_days`` is less than 1.
    """
    if window_days < 1:
        raise ValueError(f"window_days: expected at least 1, got {window_days}")
    begin = as_of - dt.timedelta(days=window_days)
    with open_baskets(connection, _BASKETS, [shop_id, begin, as_of], limits=limits) as baskets:
        if baskets.n_several < baskets.least:
            raise NotEnoughData(
                f"orders with several products in the {window_days} days before {as_of}",
                f"{baskets.least}",
                f"{baskets.n_several} of {baskets.n_baskets} orders",
            )
        pairs = count_pairs(baskets)
        found = association_rules(baskets, drop_redundant=True, most_false=most_false)
        gone = set(withdrawn)
        offered = [item for item in baskets.items if item not in gone]
        partners = cross_sell(pairs, k, most_false=most_false, offered=offered, families=families)
        on_sale = found.frame[~found.frame["consequent"].isin(gone)].reset_index(drop=True)
        kept = rules_without_variants(on_sale, families or {})
        detail: dict[str, int | float | str] = {
            "first_day": str(begin),
            "orders": baskets.n_baskets,
            "orders_with_several_products": baskets.n_several,
            "orders_left_out_as_too_long": baskets.n_left_out,
            "products_bought_often_enough": len(baskets.items),
            "fewest_orders_of_a_pair": baskets.least,
            "pairs_tested": pairs.n_tested,
            "pairs_seen": len(pairs.frame),
            "pairs_kept": int(((pairs.frame["p_adjusted"] <= most_false) & (pairs.frame["lift"] > 1)).sum()),
            "fewest_orders_of_a_rule": found.least,
            "frequent_sets": found.n_sets,
            "rules_tested": found.n_tested,
            "rules_redundant": found.n_redundant,
            "rules_left_to_luck": found.n_insignificant,
            "rules_to_withdrawn_products": len(found.frame) - len(on_sale),
            "rules_to_variants": len(on_sale) - len(kept),
            "rules_kept": len(kept),
            "false_ones_put_up_with": most_false,
        }
    rules = kept.rename(columns={"consequent": "consequent_item_id"})
    partners = partners.rename(columns={"item": "item_id", "partner": "partner_item_id"})
    rules, partners = (
        frame.assign(shop_id=shop_id, as_of=as_of, window_days=window_days) for frame in (rules, partners)
    )
    return ShopRules(rules[list(RULE_TABLE_COLUMNS)], partners[list(CROSS_SELL_TABLE_COLUMNS)], detail)

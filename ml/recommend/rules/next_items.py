"""What to offer with the basket that is in front of us, by rules whose antecedent is in it."""

from __future__ import annotations

from collections.abc import Collection

import duckdb
import pandas as pd

from ml.recommend.rules.baskets import BASKET, ITEM, families_table

#: Columns of :func:`next_items`.
NEXT_COLUMNS = ("basket", "rank", "item", "because", "n_both", "n_antecedent", "confidence", "lift")

#: Baskets that are matched at a time: a basket of a wholesaler fits tens of thousands of rules.
_BLOCK = 5_000

# Everything is matched by numbers. Those of rules rise from the best to the worst, so that the best rule that fits is
# the least number. A rule is looked up by the item of its antecedent that the fewest baskets have: by any other, the
# rules on a shop's most popular item would meet almost every basket.
_PREPARE = """
CREATE TEMP TABLE rules AS
SELECT
    *,
    row_number() OVER (
        ORDER BY confidence DESC, n_both DESC, lift DESC, consequent, len(antecedent), antecedent
    ) AS rule_no
FROM given_rules;

CREATE TEMP TABLE items AS
SELECT item, CAST(row_number() OVER () AS INTEGER) AS item_no
FROM (SELECT consequent AS item FROM rules UNION SELECT unnest(antecedent) FROM rules);

CREATE TEMP TABLE served AS
SELECT DISTINCT given.basket, coalesce(families.family, given.item) AS item
FROM (
    SELECT CAST(basket AS VARCHAR) AS basket, CAST(item AS VARCHAR) AS item
    FROM given_lines
    WHERE basket IS NOT NULL AND item IS NOT NULL
) AS given
LEFT JOIN families ON families.item = given.item;

CREATE TEMP TABLE baskets AS
SELECT basket, CAST(row_number() OVER (ORDER BY basket) - 1 AS INTEGER) AS basket_no
FROM (SELECT DISTINCT basket FROM served);

CREATE TEMP TABLE basket_lines AS
SELECT baskets.basket_no, items.item_no
FROM served
INNER JOIN baskets ON baskets.basket = served.basket
INNER JOIN items ON items.item = served.item;

CREATE TEMP TABLE parts AS
WITH
carried AS (SELECT item_no, count(*) AS baskets FROM basket_lines GROUP BY item_no),
exploded AS (SELECT rule_no, consequent, len(antecedent) AS size, unnest(antecedent) AS item FROM rules)
SELECT
    exploded.rule_no, consequents.item_no AS consequent_no, exploded.size, items.item_no,
    row_number() OVER (PARTITION BY exploded.rule_no ORDER BY carried.baskets, items.item_no) AS nth
FROM exploded
INNER JOIN items ON items.item = exploded.item
INNER JOIN carried ON carried.item_no = items.item_no
INNER JOIN items AS consequents ON consequents.item = exploded.consequent
"""
_NEXT = """
WITH lines AS (SELECT * FROM basket_lines WHERE basket_no >= $begin AND basket_no < $end),
keyed AS (
    SELECT lines.basket_no, parts.rule_no, parts.consequent_no, parts.size
    FROM lines
    INNER JOIN parts ON parts.item_no = lines.item_no AND parts.nth = 1
),
whole AS (
    SELECT basket_no, rule_no, consequent_no
    FROM keyed
    WHERE size = 1
    UNION ALL
    SELECT keyed.basket_no, keyed.rule_no, keyed.consequent_no
    FROM keyed
    INNER JOIN parts ON parts.rule_no = keyed.rule_no AND parts.nth > 1
    INNER JOIN lines ON lines.basket_no = keyed.basket_no AND lines.item_no = parts.item_no
    WHERE keyed.size > 1
    GROUP BY keyed.basket_no, keyed.rule_no, keyed.consequent_no, keyed.size
    HAVING count(*) = keyed.size - 1
),
best AS (
    SELECT whole.basket_no, min(whole.rule_no) AS rule_no
    FROM whole
    ANTI JOIN lines ON lines.basket_no = whole.basket_no AND lines.item_no = whole.consequent_no
    GROUP BY whole.basket_no, whole.consequent_no
),
ranked AS (
    SELECT basket_no, rule_no, row_number() OVER (PARTITION BY basket_no ORDER BY rule_no) AS rank
    FROM best
)
SELECT
    baskets.basket, ranked.rank, rules.consequent AS item, rules.antecedent AS because,
    rules.n_both, rules.n_antecedent, rules.confidence, rules.lift
FROM ranked
INNER JOIN baskets ON baskets.basket_no = ranked.basket_no
INNER JOIN rules ON rules.rule_no = ranked.rule_no
WHERE ranked.rank <= $k
ORDER BY baskets.basket, ranked.rank
"""


def next_items(
    rules: pd.DataFrame,
    baskets: pd.DataFrame,
    k: int = 5,
    *,
    offered: Collection[str] | None = None,
    families: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Up to ``k`` items for each basket, never one that is in it: a row each with ``NEXT_COLUMNS``, ids as text.

    An item comes by the rule of greatest confidence (the chance that this basket will hold it) among those with
    their whole antecedent in the basket, which ``because`` names. A basket that no rule fits has no rows.

    Parameters
    ----------
    rules : as in ``AssociationRules.frame``.
    baskets : columns ``basket`` and ``item``; several rows of one item are one.
    offered : items that may be offered (on sale, in stock); all where it is None.
    families : as the rules were learned with (see :func:`ml.recommend.rules.baskets.open_baskets`).

    Raises ``ValueError`` where ``k`` is less than 1 or ``baskets`` lacks a column.
    """
    if k < 1:
        raise ValueError(f"k: expected at least 1, got {k}")
    missing = {BASKET, ITEM} - set(baskets.columns)
    if missing:
        raise ValueError(f"baskets: expected columns {BASKET} and {ITEM}, missing {', '.join(sorted(missing))}")
    if offered is not None:
        rules = rules[rules["consequent"].isin(list(offered))]
    if rules.empty or baskets.empty:
        return pd.DataFrame(columns=list(NEXT_COLUMNS))
    kept = rules[["antecedent", "consequent", "n_both", "n_antecedent", "confidence", "lift"]]
    with duckdb.connect() as connection:
        families_table(connection, "families", families)
        connection.register("given_lines", baskets[[BASKET, ITEM]])
        connection.register("given_rules", kept)
        connection.execute(_PREPARE)
        counted = connection.execute("SELECT count(*) FROM baskets").fetchone()
        assert counted is not None
        blocks = [
            connection.execute(_NEXT, {"begin": begin, "end": begin + _BLOCK, "k": k}).df()
            for begin in range(0, max(counted[0], 1), _BLOCK)
        ]
    found = pd.concat(blocks, ignore_index=True)
    # DuckDB gives arrays for lists
    found["because"] = found["because"].map(list)
    return found

"""What to offer with the basket that is in front of us, by rules whose antecedent is in it."""

from __future__ import annotations

from collections.abc import Collection

import duckdb
import pandas as pd

from ml.recommend.rules.baskets import BASKET, ITEM, families_table

#: Columns of :func:`next_items`.
NEXT_COLUMNS = ("basket", "rank", "item", "because", "n_both", "n_antecedent", "confidence", "lift")

# A rule is looked up by the item of its antecedent that the fewest baskets have: by any other, the rules on a
# shop's most popular item would meet almost every basket.
_NEXT = """
WITH baskets AS (
    SELECT CAST(given.basket AS VARCHAR) AS basket, list(DISTINCT coalesce(families.family, given.item)) AS items
    FROM (
        SELECT basket, CAST(item AS VARCHAR) AS item
        FROM given_lines
        WHERE basket IS NOT NULL AND item IS NOT NULL
    ) AS given
    LEFT JOIN families ON families.item = given.item
    GROUP BY ALL
),
lines AS (SELECT basket, items, unnest(items) AS item FROM baskets),
carried AS (SELECT item, count(*) AS baskets FROM lines GROUP BY item),
keyed AS (
    SELECT parts.rule_no, arg_min(parts.item, (coalesce(carried.baskets, 0), parts.item)) AS item
    FROM (SELECT rule_no, unnest(antecedent) AS item FROM given_rules) AS parts
    LEFT JOIN carried ON carried.item = parts.item
    GROUP BY parts.rule_no
),
matched AS (
    SELECT
        lines.basket, rules.*,
        row_number() OVER (
            PARTITION BY lines.basket, rules.consequent
            ORDER BY rules.confidence DESC, rules.n_both DESC, len(rules.antecedent), rules.antecedent
        ) AS nth
    FROM lines
    INNER JOIN keyed ON keyed.item = lines.item
    INNER JOIN given_rules AS rules ON rules.rule_no = keyed.rule_no
    WHERE list_has_all(lines.items, rules.antecedent) AND NOT list_contains(lines.items, rules.consequent)
),
ranked AS (
    SELECT
        *, row_number() OVER (
            PARTITION BY basket ORDER BY confidence DESC, n_both DESC, lift DESC, consequent
        ) AS rank
    FROM matched
    WHERE nth = 1
)
SELECT basket, rank, consequent AS item, antecedent AS because, n_both, n_antecedent, confidence, lift
FROM ranked
WHERE rank <= ?
ORDER BY basket, rank
"""


def next_items(
    rules: pd.DataFrame,
    baskets: pd.DataFrame,
    k: int = 5,
    *,
    offered: Collection[str] | None = None,
    families: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Up to ``k`` items for each basket, never one that is in it: a row each with ``NEXT_COLUMNS``.

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
        connection.register("given_rules", kept.assign(rule_no=range(len(kept))))
        found = connection.execute(_NEXT, [k]).df()
    # DuckDB gives arrays for lists
    found["because"] = found["because"].map(list)
    return found

"""Which two items are bought together, counted for all pairs in one SQL pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.recommend.rules.baskets import Baskets
from ml.recommend.rules.significance import adjusted_p, fisher_greater, lift_interval

#: Columns of :attr:`ItemPairs.frame`.
PAIR_COLUMNS = (
    "item",
    "other_item",
    "n_both",
    "n_item",
    "n_other",
    "n_baskets",
    "support",
    "lift",
    "lift_low",
    "lift_high",
    "leverage",
    "p_value",
    "p_adjusted",
)

_PAIRS = """
SELECT one.item_no AS item_no, other.item_no AS other_no, count(*) AS n_both
FROM {coded} AS one
INNER JOIN {coded} AS other ON other.basket_no = one.basket_no AND other.item_no > one.item_no
GROUP BY one.item_no, other.item_no
HAVING count(*) >= ?
ORDER BY one.item_no, other.item_no
"""


@dataclass(frozen=True)
class ItemPairs:
    """All pairs in at least ``least`` baskets, each once.

    ``frame`` has ``PAIR_COLUMNS``, sorted by ``p_value``, then most baskets, then ids; ``item`` is the rarer of the
    two. ``n_tested`` is the number of pairs of frequent items, which ``p_adjusted`` allows for.
    """

    frame: pd.DataFrame
    n_tested: int


def count_pairs(baskets: Baskets) -> ItemPairs:
    """Count, test and measure every pair of frequent items.

    The join meets only items that are frequent themselves, in baskets of bounded size: its cost is the sum of
    squares of basket sizes, and DuckDB spills what exceeds its memory limit.
    """
    found = baskets.connection.execute(_PAIRS.format(coded=baskets.coded), [baskets.least]).fetchnumpy()
    one, other = (np.asarray(found[column], dtype=np.int64) for column in ("item_no", "other_no"))
    both = np.asarray(found["n_both"], dtype=np.int64)
    left, right, n = baskets.item_counts[one], baskets.item_counts[other], baskets.n_baskets
    n_tested = len(baskets.items) * (len(baskets.items) - 1) // 2
    p = fisher_greater(both, left, right, n)
    low, high = lift_interval(both, left, right, n)
    frame = pd.DataFrame(
        {
            "item": baskets.items[one],
            "other_item": baskets.items[other],
            "n_both": both,
            "n_item": left,
            "n_other": right,
            "n_baskets": n,
            "support": both / n if n else np.empty(0),
            "lift": both * n / (left * right),
            "lift_low": low,
            "lift_high": high,
            "leverage": (both - left * right / n) / n if n else np.empty(0),
            "p_value": p,
            "p_adjusted": adjusted_p(p, n_tested),
        },
        columns=list(PAIR_COLUMNS),
    ).astype({"item": object, "other_item": object, "n_baskets": "int64"})
    order = ["p_value", "n_both", "item", "other_item"]
    return ItemPairs(frame.sort_values(order, ascending=[True, False, True, True], ignore_index=True), n_tested)

"""Partners of an item: what its buyers also buy, more than others do."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from ml.recommend.rules.pairs import ItemPairs
from ml.recommend.rules.variants import Families, partners_without_variants

#: Columns of :func:`cross_sell`.
PARTNER_COLUMNS = (
    "item",
    "rank",
    "partner",
    "n_both",
    "n_item",
    "n_partner",
    "n_baskets",
    "support",
    "confidence",
    "lift",
    "lift_low",
    "lift_high",
    "leverage",
    "p_value",
    "p_adjusted",
)
#: What partners may be ranked by.
RANKINGS = ("leverage", "confidence", "lift", "lift_low")

_TURNED = {"item": "partner", "other_item": "item", "n_item": "n_partner", "n_other": "n_item"}
_STRAIGHT = {"other_item": "partner", "n_other": "n_partner"}


def cross_sell(
    pairs: ItemPairs,
    k: int = 10,
    *,
    by: str = "leverage",
    most_false: float = 0.05,
    offered: Collection[str] | None = None,
    families: Families | None = None,
) -> pd.DataFrame:
    """The ``k`` best partners of every item, a row each with ``PARTNER_COLUMNS``, by item and rank.

    Only pairs bought together more than by chance (lift above 1, ``p_adjusted`` at most ``most_false``); an item
    without one has no rows. Leverage ranks an item's partners by how many purchases more than by chance they go with
    it; confidence would put the most popular product beside everything, and lift the rarest. Ties go to the
    greater lift, then to the smaller id.

    ``offered`` holds the items that may be partners (on sale, in stock); all where it is None. Of ``families`` (item
    -> family) an item has one partner each, and none of its own.

    Raises ``ValueError`` where ``by`` is not one of ``RANKINGS`` or ``k`` is less than 1.
    """
    if by not in RANKINGS:
        raise ValueError(f"by: expected one of {', '.join(RANKINGS)}, got {by!r}")
    if k < 1:
        raise ValueError(f"k: expected at least 1, got {k}")
    frame = pairs.frame
    frame = frame[(frame["lift"] > 1) & (frame["p_adjusted"] <= most_false)]
    both = pd.concat([frame.rename(columns=_STRAIGHT), frame.rename(columns=_TURNED)], ignore_index=True)
    if offered is not None:
        both = both[both["partner"].isin(list(offered))]
    both = both.assign(confidence=both["n_both"] / both["n_item"])
    order = ["item", by, "lift", "partner"]
    both = both.sort_values(order, ascending=[True, False, False, True], ignore_index=True)
    both = partners_without_variants(both, families or {})
    both["rank"] = both.groupby("item").cumcount().astype(np.int64) + 1
    return both.loc[both["rank"] <= k, list(PARTNER_COLUMNS)].reset_index(drop=True)

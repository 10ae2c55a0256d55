"""How well a list of ``k`` items meets what the user then chose: one row per user, so that models can be compared in
pairs and means carry an interval.

Sources: K. Järvelin, J. Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002) for nDCG; C. Manning,
P. Raghavan, H. Schütze, *Introduction to Information Retrieval* (2008), chapter 8, for the others. Average precision
is divided by the number of relevant items, as there and in the public recommenders benchmark, not by ``k``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ml.evaluation.intervals import Estimate, percentile_interval
from ml.evaluation.ranking.columns import ITEM, RANK, USER
from ml.evaluation.regression import mean_difference, resampled_means

#: The measures of :func:`user_metrics`, larger is better, each between 0 and 1.
METRICS = ("ndcg", "map", "precision", "recall", "mrr", "hit_rate")


def user_metrics(recommended: pd.DataFrame, relevant: pd.DataFrame, *, k: int) -> pd.DataFrame:
    """Each measure of :data:`METRICS` for each user that has something relevant.

    Parameters
    ----------
    recommended : ``user``, ``item``, ``rank`` (from 1); ranks above ``k`` are left out. A user without rows got
        nothing, and measures 0.
    relevant : ``user``, ``item``; a pair given twice counts once.

    Returns a frame indexed by user (sorted) with ``n_relevant`` and the measures:
    ``precision`` hits / k, ``recall`` hits / relevant, ``hit_rate`` 1 if there is a hit, ``mrr`` 1 / rank of the
    first hit, ``map`` sum of the precision at each hit / relevant, ``ndcg`` sum of 1 / log2(1 + rank) over hits, as a
    share of the most that could be had.

    Raises ``ValueError`` for ``k`` under 1, or a user who is given an item or a rank twice, or a rank under 1.
    """
    if k < 1:
        raise ValueError(f"k: expected at least 1, got {k}")
    wanted = relevant[[USER, ITEM]].drop_duplicates()
    n_relevant = wanted.groupby(USER, sort=True).size()
    given = recommended.loc[recommended[RANK] <= k, [USER, ITEM, RANK]]
    _check_lists(given)
    hits = given.merge(wanted, on=[USER, ITEM]).sort_values([USER, RANK], ignore_index=True)
    rank = hits[RANK].to_numpy(dtype=float)
    so_far = hits.groupby(USER).cumcount().to_numpy() + 1
    sums = (
        pd.DataFrame({USER: hits[USER], "hits": 1.0, "precisions": so_far / rank, "gain": 1 / np.log2(1 + rank)})
        .groupby(USER)
        .sum()
        .reindex(n_relevant.index, fill_value=0.0)
    )
    first = hits.groupby(USER)[RANK].min().reindex(n_relevant.index)
    best = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    n = n_relevant.to_numpy()
    return pd.DataFrame(
        {
            "n_relevant": n,
            "ndcg": sums["gain"] / best[np.minimum(n, k) - 1],
            "map": sums["precisions"] / n,
            "precision": sums["hits"] / k,
            "recall": sums["hits"] / n,
            "mrr": (1 / first).fillna(0.0),
            "hit_rate": (sums["hits"] > 0).astype(float),
        },
        index=n_relevant.index,
    )


def means(
    per_user: pd.DataFrame,
    metrics: Sequence[str] = METRICS,
    *,
    n_resamples: int = 500,
    level: float = 0.95,
    random_state: int = 42,
) -> dict[str, Estimate | None]:
    """Mean over users of each measure, with the interval of a bootstrap of users; ``None`` without users."""
    if not len(per_user):
        return dict.fromkeys(metrics)
    columns = per_user[list(metrics)].to_numpy(dtype=float)
    draws = resampled_means(columns, n_resamples=n_resamples, random_state=random_state)
    values = columns.mean(axis=0)
    found: dict[str, Estimate | None] = {}
    for place, metric in enumerate(metrics):
        low, high = percentile_interval(draws[:, place], level)
        value = float(values[place])
        # of two or three users the draws may all lie on one side of the figure
        found[metric] = Estimate(value, min(low, value), max(high, value), len(columns))
    return found


def gain(
    challenger: pd.DataFrame,
    champion: pd.DataFrame,
    metric: str = "ndcg",
    *,
    n_resamples: int = 500,
    level: float = 0.95,
    random_state: int = 42,
) -> Estimate:
    """Mean over users of challenger's less champion's measure, with the interval of the paired difference.

    Above 0 with its whole interval the challenger is better beyond doubt. Both frames are of :func:`user_metrics`
    against the same relevant items; raises ``ValueError`` where their users differ.
    """
    if not challenger.index.equals(champion.index):
        raise ValueError("gain: expected both models judged by the same users")
    return mean_difference(
        challenger[metric].to_numpy(dtype=float),
        champion[metric].to_numpy(dtype=float),
        n_resamples=n_resamples,
        level=level,
        random_state=random_state,
    )


def _check_lists(given: pd.DataFrame) -> None:
    for column in (ITEM, RANK):
        twice = given[given.duplicated([USER, column])]
        if len(twice):
            raise ValueError(
                f"recommended: expected each {column} once per user, got {twice.iloc[0][column]!r} more than once "
                f"for {twice.iloc[0][USER]!r}"
            )
    if len(given) and given[RANK].min() < 1:
        raise ValueError(f"recommended: expected ranks from 1, got {given[RANK].min()}")

"""For whom lists are good: newcomers or regulars, and with well-known items or the long tail."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.evaluation.ranking.columns import ITEM, USER
from ml.evaluation.ranking.metrics import user_metrics

#: A user with fewer items than this to learn from is a newcomer; up to here item-to-item models serve better than
#: models of the whole matrix (docs/architecture.md, recommendation).
REGULAR_FROM = 10
#: The head: the most popular items that together hold this share of the interactions.
HEAD_SHARE = 0.5


def head_items(train: pd.DataFrame, *, share: float = HEAD_SHARE) -> pd.Index:
    """The fewest most popular items that hold at least ``share`` of ``train``; equal ones by their id."""
    if not 0 < share <= 1:
        raise ValueError(f"share: expected a number above 0 and up to 1, got {share}")
    counts = train.groupby(ITEM, sort=True).size().sort_values(ascending=False, kind="stable")
    reached = counts.cumsum().to_numpy() >= share * counts.sum()
    return counts.index[: int(np.argmax(reached)) + 1] if len(counts) else counts.index


def group_metrics(
    recommended: pd.DataFrame,
    relevant: pd.DataFrame,
    train: pd.DataFrame,
    *,
    k: int,
    regular_from: int = REGULAR_FROM,
    head_share: float = HEAD_SHARE,
) -> dict[str, pd.DataFrame]:
    """Frames of :func:`user_metrics` for ``newcomer``, ``regular``, ``head`` and ``tail``.

    The first two part the users by how many items they have in ``train``; the last two part what is relevant, so
    that a user may be in both, and the lists stay as they are.
    """
    per_user = user_metrics(recommended, relevant, k=k)
    n_items = train.groupby(USER)[ITEM].nunique().reindex(per_user.index, fill_value=0)
    in_head = relevant[ITEM].isin(head_items(train, share=head_share))
    return {
        "newcomer": per_user[n_items < regular_from],
        "regular": per_user[n_items >= regular_from],
        "head": user_metrics(recommended, relevant[in_head], k=k),
        "tail": user_metrics(recommended, relevant[~in_head], k=k),
    }

"""Items that occur in the same sessions: co-view counts, and the item-kNN of sessions.

Sources: B. Hidasi et al., "Session-based recommendations with recurrent neural networks" (2016),
https://arxiv.org/abs/1511.06939, for the item-kNN that session models are compared with; M. Ludewig and D. Jannach,
"Evaluation of session-based recommendation algorithms" (2018), https://doi.org/10.1007/s11257-018-9209-6, for pairs.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ml.evaluation.intervals import Floats
from ml.recommend.sessions.model import SessionModel
from ml.recommend.sessions.popularity import widened
from ml.recommend.sessions.steps import Codes, Contexts, Steps, decayed, session_items

#: Steps of a session that pairs are made of, from its end: pairs grow with the square of it.
MOST_STEPS = 50


def pair_counts(steps: Steps) -> sparse.csr_array:
    """Sessions that have both items, shape ``(i, i)``; on the diagonal those that came back to the item."""
    session, item, _ = session_items(steps, MOST_STEPS)
    shape = (len(steps.sessions), len(steps.items))
    has = sparse.csr_array((np.ones(len(item)), (session, item)), shape=shape)
    together = sparse.csr_array(has.T @ has)
    times = sparse.csr_array((np.ones(len(steps)), (steps.session, steps.item)), shape=shape)
    times.sum_duplicates()
    again = np.bincount(times.indices[times.data > 1], minlength=shape[1])
    together.setdiag(again.astype(float))
    together.eliminate_zeros()
    return together


class ItemCoView(SessionModel):
    """What sessions with this item had as well, most often first. The last item alone counts."""

    name = "item_co_view"

    def _learn(self, steps: Steps) -> None:
        self.pairs_ = pair_counts(steps)

    def _scores(self, contexts: Contexts, width: int) -> sparse.csr_array:
        last = decayed(contexts, np.ones(1), self.pairs_.shape[0])
        return widened(last @ self.pairs_, width)


class SessionItemKnn(SessionModel):
    """Items whose sessions resemble those of the session's last items.

    Parameters
    ----------
    weights : how much the last, last but one ... item counts.
    shrink : sessions added to both counts, so that two items seen once do not resemble each other fully.
    neighbours : most that are kept for an item.
    """

    name = "session_item_knn"

    def __init__(
        self, weights: tuple[float, ...] = (1.0, 0.5, 0.33, 0.25, 0.2), shrink: float = 20.0, neighbours: int = 200
    ) -> None:
        self.weights = weights
        self.shrink = shrink
        self.neighbours = neighbours

    def _learn(self, steps: Steps) -> None:
        pairs = pair_counts(steps).tocoo()
        _, item, _ = session_items(steps, MOST_STEPS)
        sessions = np.bincount(item, minlength=len(steps.items)) + self.shrink
        likeness = pairs.data / np.sqrt(sessions[pairs.row] * sessions[pairs.col])
        self.likeness_ = strongest(pairs.row, pairs.col, likeness, len(steps.items), self.neighbours)

    def _scores(self, contexts: Contexts, width: int) -> sparse.csr_array:
        last = decayed(contexts, np.asarray(self.weights), self.likeness_.shape[0])
        return widened(last @ self.likeness_, width)


def strongest(row: Codes, column: Codes, weight: Floats, size: int, most: int) -> sparse.csr_array:
    """The ``most`` heaviest cells of each row, ties in order of column; shape ``(size, size)``."""
    order = np.lexsort((column, -weight, row))
    row, column, weight = row[order], column[order], weight[order]
    kept = np.arange(len(row)) - np.searchsorted(row, np.arange(size))[row] < most
    return sparse.csr_array((weight[kept], (row[kept], column[kept])), shape=(size, size))

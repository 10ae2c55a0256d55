"""What everyone looks at, and what this session has looked at: the naive members."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ml.recommend.sessions.model import SessionModel, most_counted
from ml.recommend.sessions.steps import Contexts, Steps, without_repeats

_DAY = 86_400_000_000


class Popular(SessionModel):
    """What was looked at or bought most, whatever the session.

    ``days``: only so many days back from the newest step; ``None`` for all of history.
    """

    def __init__(self, days: int | None = None) -> None:
        self.days = days
        self.name = "popular" if days is None else "popular_recent"

    def _learn(self, steps: Steps) -> None:
        if self.days is not None:
            recent = steps.time > self.newest_ - self.days * _DAY
            counts = np.bincount(steps.item[recent], minlength=len(steps.items))
            # what nobody looked at lately comes after what somebody did
            before = self.popular_[counts[self.popular_] == 0]
            self.popular_ = np.concatenate([most_counted(counts), before])

    def _scores(self, contexts: Contexts, width: int) -> sparse.csr_array:
        return sparse.csr_array((len(contexts), width))


class PopularInCategory(SessionModel):
    """What was looked at or bought most in the category of the session's last item whose category is known."""

    name = "popular_in_category"

    def __init__(self, reach: int = 20) -> None:
        self.reach = reach

    def _learn(self, steps: Steps) -> None:
        counts = np.bincount(steps.item, minlength=len(steps.items)).astype(float)
        known = np.flatnonzero(steps.category >= 0)
        shape = (int(steps.category.max(initial=-1)) + 1, len(steps.items))
        self.counts_ = sparse.csr_array((counts[known], (steps.category[known], known)), shape=shape)
        self.category_ = steps.category

    def _scores(self, contexts: Contexts, width: int) -> sparse.csr_array:
        newest = contexts.newest(self.reach)
        category = np.append(self.category_, np.full(width - len(self.category_) + 1, -1))[newest]
        first = np.argmax(category >= 0, axis=1)
        chosen = category[np.arange(len(contexts)), first]
        rows = np.flatnonzero(chosen >= 0)
        pick = sparse.csr_array(
            (np.ones(len(rows)), (rows, chosen[rows])), shape=(len(contexts), self.counts_.shape[0])
        )
        return widened(pick @ self.counts_, width)


class OwnItems(SessionModel):
    """What the session has looked at itself, newest first: much of what comes next was there before."""

    name = "own_items"

    def __init__(self, reach: int = 50) -> None:
        self.reach = reach

    def _learn(self, steps: Steps) -> None:
        """Nothing but what is popular."""

    def _scores(self, contexts: Contexts, width: int) -> sparse.csr_array:
        newest = without_repeats(contexts.newest(self.reach))
        rows, places = np.nonzero(newest >= 0)
        return sparse.csr_array((1.0 / (1.0 + places), (rows, newest[rows, places])), shape=(len(contexts), width))


def widened(scores: sparse.csr_array, width: int) -> sparse.csr_array:
    """The same with empty columns at the end, up to ``width``."""
    wide = sparse.csr_array(scores)
    wide.resize((wide.shape[0], width))
    return wide

"""The protocol of session models, and the list of ``k`` that each of them makes of its scores.

A model learns from ``Steps`` and answers for many ``Contexts`` at once. What it has no score for is filled up with
what is popular, for every model alike: a short list would lose against a long one for no reason of merit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Floats
from ml.recommend.sessions.steps import Codes, Contexts, Steps, Texts

#: Contexts scored at a time, and cells of a block's table of contexts by items: both bound the memory.
BLOCK, _CELLS = 2048, 24_000_000


@dataclass(frozen=True, eq=False)
class Ranked:
    """The best ``k`` items of ``n`` contexts.

    ``item`` (shape ``(n, k)``) are numbers in ``items``, best first, -1 where there are no more; ``score`` (``(n, k)``)
    falls along a row, 0 where the list was filled up with what is popular.
    """

    items: Texts
    item: Codes
    score: Floats

    def frame(self) -> pd.DataFrame:
        """One row each: ``context`` (its number), ``rank`` from 1, ``item`` and ``score``."""
        rows, places = np.nonzero(self.item >= 0)
        return pd.DataFrame(
            {
                "context": rows,
                "rank": places + 1,
                "item": self.items[self.item[rows, places]],
                "score": self.score[rows, places],
            }
        )


@runtime_checkable
class NextItems(Protocol):
    """What says what comes next."""

    name: str

    def fit(self, steps: Steps) -> Self:
        """Learn from sessions that are over; raises ``NotEnoughData`` where there is no step at all."""
        ...

    def recommend(self, contexts: Contexts, k: int, *, filter_seen: bool = False) -> Ranked:
        """The best ``k`` for each context, ties in order of item id; with ``filter_seen`` none of its own items."""
        ...


class SessionModel(ABC):
    """A model that scores some of the items of each context; learned: ``items_``, ``popular_``, ``newest_``."""

    name: str

    def fit(self, steps: Steps) -> Self:
        """Learn from sessions that are over; raises ``NotEnoughData`` where there is no step at all."""
        if len(steps) == 0:
            raise NotEnoughData("sessions", "at least one that looked at or bought an item", "none")
        self.items_ = steps.items
        self.newest_ = int(steps.time.max())
        self.popular_ = most_counted(np.bincount(steps.item, minlength=len(steps.items)))
        with threadpool_limits(1):
            self._learn(steps)
        return self

    def recommend(self, contexts: Contexts, k: int, *, filter_seen: bool = False) -> Ranked:
        """The best ``k`` for each context, ties in order of item id; with ``filter_seen`` none of its own items.

        Items that the model never met can be known of a context all the same. Raises ``ValueError`` where ``k`` is
        less than 1.
        """
        check_length(k)
        items, contexts = self._together(contexts)
        parts = [
            self._best(contexts.rows(slice(start, start + size)), len(items), k, filter_seen)
            for size in [block_size(len(items))]
            for start in range(0, len(contexts), size)
        ]
        if not parts:
            return Ranked(items, np.empty((0, k), dtype=np.int64), np.empty((0, k)))
        return Ranked(items, np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))

    @abstractmethod
    def _learn(self, steps: Steps) -> None:
        """Learn what this model needs beside the items."""

    @abstractmethod
    def _scores(self, contexts: Contexts, width: int) -> sparse.csr_array:
        """Scores above 0 of what the model has something to say about; shape ``(n, width)``.

        ``contexts`` count items as the model does; those from ``len(items_)`` on it never met.
        """

    def _together(self, contexts: Contexts) -> tuple[Texts, Contexts]:
        """All items, the model's first and then those it never met, and the contexts in their numbers."""
        place = place_of(contexts.items, self.items_)
        unknown = place < 0
        place[unknown] = len(self.items_) + np.arange(int(unknown.sum()))
        at = np.where(contexts.at < 0, self.newest_, contexts.at)
        named = contexts.recoded(place)
        return np.concatenate([self.items_, contexts.items[unknown]]), Contexts(
            named.items, named.flat, named.starts, named.ends, at
        )

    def _best(self, block: Contexts, width: int, k: int, filter_seen: bool) -> tuple[Codes, Floats]:
        with threadpool_limits(1):
            scores = self._scores(block, width)
        seen = block.seen(width) if filter_seen else None
        if seen is not None:
            scores = scores - scores.multiply(seen)
        item, score = best_of(sparse.csr_array(scores), k)
        return fill_up(item, seen, self.popular_), score


def check_length(k: int) -> None:
    """Raises ``ValueError`` where a list of ``k`` cannot be."""
    if k < 1:
        raise ValueError(f"k: expected at least 1, got {k}")


def best_of(scores: sparse.csr_array, k: int) -> tuple[Codes, Floats]:
    """The ``k`` columns of each row with the highest scores above 0, best first, ties in order of column.

    Both shape ``(n, k)``; -1 and 0 where there are no more.
    """
    coo = scores.tocoo()
    positive = coo.data > 0
    row, column = coo.row[positive].astype(np.int64), coo.col[positive].astype(np.int64)
    # sums in another order differ in their last bits, and must not settle a tie
    score = np.round(coo.data[positive].astype(np.float64), 12)
    order = np.lexsort((column, -score, row))
    row, column, score = row[order], column[order], score[order]
    place = np.arange(len(row)) - np.searchsorted(row, np.arange(scores.shape[0]))[row]
    kept = place < k
    item = np.full((scores.shape[0], k), -1, dtype=np.int64)
    best = np.zeros((scores.shape[0], k))
    item[row[kept], place[kept]] = column[kept]
    best[row[kept], place[kept]] = score[kept]
    return item, best


def fill_up(item: Codes, seen: sparse.csr_array | None, popular: Codes) -> Codes:
    """``item`` (shape ``(n, k)``) with its -1 replaced by the most popular that the row has not, nor has ``seen``."""
    k = item.shape[1]
    short = np.flatnonzero((item < 0).any(axis=1))
    if not len(short) or not len(popular):
        return item
    rows, places = np.nonzero(item[short] >= 0)
    columns = item[short][rows, places]
    if seen is not None:
        own = seen[short].tocoo()
        rows, columns = np.concatenate([rows, own.row]), np.concatenate([columns, own.col])
    rank = np.full(max(int(columns.max(initial=0)), int(popular.max())) + 1, len(popular), dtype=np.int64)
    rank[popular] = np.arange(len(popular))
    most = int(np.bincount(rows, minlength=len(short)).max(initial=0))
    free = np.ones((len(short), min(len(popular), k + most)), dtype=bool)
    taken = rank[columns] < free.shape[1]
    free[rows[taken], rank[columns[taken]]] = False
    # the first free ones of the popular go where the row's own list ends
    row, column = np.nonzero(free)
    place = np.arange(len(row)) - np.searchsorted(row, np.arange(len(short)))[row] + (item[short] >= 0).sum(axis=1)[row]
    fits = place < k
    filled = item.copy()
    filled[short[row[fits]], place[fits]] = popular[column[fits]]
    return filled


def most_counted(counts: Codes) -> Codes:
    """Numbers of the items that were counted, most first, ties in order of id."""
    order = np.argsort(-counts, kind="stable")
    return order[counts[order] > 0]


def place_of(wanted: Texts, items: Texts) -> Codes:
    """Place of each id in ``items`` (ascending), -1 where it is not there."""
    return pd.Index(items).get_indexer(pd.Index(wanted)).astype(np.int64)


def block_size(width: int) -> int:
    """Contexts to score at a time, so that a table of them by ``width`` items stays small."""
    return int(np.clip(_CELLS // max(width, 1), 16, BLOCK))

"""The one interface of all recommenders, and the part that the matrix models share: scores in blocks of users."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

from ml.recommend.interactions import ITEM, RANK, SCORE, SIMILAR, USER, Codes, Ids, Interactions
from ml.recommend.top_items import Floats, TopItems, top_items

#: Scores of users and items: an array with -inf for never, or a CSR matrix where most items get none (SciPy's
#: matrices have no types to check by).
Scores: TypeAlias = Any
#: A block of dense scores takes about this many bytes, so that memory does not grow with the number of users.
BLOCK_BYTES = 64 * 2**20
#: Where only the best few of each user are held, this many users go at a time.
USERS_AT_A_TIME = 4_096


class Recommender(Protocol):
    """What every recommender does. Same data and parameters, same lists: what is random has a ``random_state``."""

    @property
    def name(self) -> str:
        """What the model is called in tables."""

    def fit(self, interactions: Interactions) -> Self:
        """Learn from ``interactions`` and return itself."""

    def recommend(self, users: Iterable[str], k: int, filter_seen: bool = True) -> pd.DataFrame:
        """Up to ``k`` items for each of ``users``: ``user``, ``item``, ``rank`` (from 1), ``score``.

        In the order of ``users``, each once; equal scores by item id. ``filter_seen`` leaves out what the user has
        met. Who has been given nothing, such as a stranger to a model of persons, has no rows.
        """

    def similar(self, items: Iterable[str], k: int) -> pd.DataFrame:
        """Up to ``k`` items like each of ``items``, never itself: ``item``, ``similar_item``, ``rank``, ``score``."""


class BlockRecommender(ABC):
    """A recommender whose scores of a few users at a time are an array.

    A member writes :meth:`_learn` and :meth:`scores`, and :meth:`item_scores` where it has its own sense of what is
    alike. ``interactions_`` is what was learned from.
    """

    interactions_: Interactions

    @property
    def name(self) -> str:
        """The class in snake case, unless a member says more."""
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in type(self).__name__).lstrip("_")

    @abstractmethod
    def _learn(self, interactions: Interactions) -> None:
        """Set what is learned; BLAS is held to one thread around it."""

    @abstractmethod
    def scores(self, rows: Codes) -> Scores:
        """Scores of the users in ``rows`` for every item, shape ``(len(rows), n_items)``, seen items included."""

    def item_scores(self, columns: Codes) -> Scores:
        """How like each item those in ``columns`` are, shape ``(len(columns), n_items)``: cosine of their users."""
        unit = _unit_columns(self.interactions_.matrix)
        return (unit[:, columns].T @ unit).tocsr()

    def stranger_scores(self) -> Floats | None:
        """Scores for who is not in the data, shape ``(n_items,)``, or ``None`` where the model knows nothing."""
        return None

    def fit(self, interactions: Interactions) -> Self:
        """Learn from ``interactions``; see :class:`Recommender`."""
        self.interactions_ = interactions
        with threadpool_limits(1):
            self._learn(interactions)
        return self

    def recommend(self, users: Iterable[str], k: int, filter_seen: bool = True) -> pd.DataFrame:
        """See :class:`Recommender`. Raises ``ValueError`` for ``k`` under 1."""
        _check_k(k)
        wanted = np.array(list(dict.fromkeys(map(str, users))), dtype=object)
        rows = self.interactions_.rows_of(wanted)
        parts: list[tuple[Codes, TopItems]] = []
        with threadpool_limits(1):
            known = np.flatnonzero(rows >= 0)
            for block in self.user_blocks(rows, known):
                parts.append((block, self.top(rows[block], k, filter_seen)))
            strangers = np.flatnonzero(rows < 0)
            common = self.stranger_scores()
            if len(strangers) and common is not None:
                parts.append((strangers, _for_each(len(strangers), top_items(common[None, :], k))))
        return _frame(wanted, self.interactions_.items, parts, USER, ITEM)

    def user_blocks(self, rows: Codes, known: Codes) -> Iterator[Codes]:
        """The places ``known`` of ``rows`` in parts that :meth:`top` takes at a time."""
        return self.blocks(known)

    def blocks_by_history(self, rows: Codes, known: Codes) -> Iterator[Codes]:
        """:data:`USERS_AT_A_TIME` users of about as many items: the longest history of a block sets its cost."""
        degree = np.diff(self.interactions_.matrix.indptr)[rows[known]]
        ordered = known[np.argsort(degree, kind="stable")]
        for start in range(0, len(ordered), USERS_AT_A_TIME):
            yield ordered[start : start + USERS_AT_A_TIME]

    def top(self, rows: Codes, k: int, filter_seen: bool = True) -> TopItems:
        """The best ``k`` of each of ``rows``; a member that knows a shorter way than all scores writes its own."""
        return top_items(self.open_scores(rows, filter_seen), k)

    def open_scores(self, rows: Codes, filter_seen: bool = True) -> Scores:
        """:meth:`scores` of ``rows``, with what each has met closed (-inf, or no entry) if ``filter_seen``."""
        scores = self.scores(rows)
        if not filter_seen:
            return scores
        seen = self.interactions_.binary[rows]
        if sparse.issparse(scores):
            # float32 has room for a product by 1; what was seen becomes 0, which says nothing
            return (scores - scores.multiply(seen)).tocsr()
        scores = np.array(scores, copy=True)
        scores[np.repeat(np.arange(len(rows)), np.diff(seen.indptr)), seen.indices] = -np.inf
        return scores

    def dense_scores(self, rows: Codes, filter_seen: bool = True) -> Floats:
        """:meth:`open_scores` as an array; where a sparse model says nothing it is 0, and what was seen is -inf."""
        scores = self.scores(rows)
        dense = scores.toarray() if sparse.issparse(scores) else np.array(scores, copy=True)
        if filter_seen:
            seen = self.interactions_.binary[rows]
            dense[np.repeat(np.arange(len(rows)), np.diff(seen.indptr)), seen.indices] = -np.inf
        return dense

    def similar(self, items: Iterable[str], k: int) -> pd.DataFrame:
        """See :class:`Recommender`. Raises ``ValueError`` for ``k`` under 1."""
        _check_k(k)
        wanted = np.array(list(dict.fromkeys(map(str, items))), dtype=object)
        columns = self.interactions_.columns_of(wanted)
        parts: list[tuple[Codes, TopItems]] = []
        with threadpool_limits(1):
            for block in self.blocks(np.flatnonzero(columns >= 0)):
                scores = self.item_scores(columns[block])
                itself = (np.arange(len(block)), columns[block])
                if sparse.issparse(scores):
                    scores = scores - sparse.csr_matrix(
                        (np.asarray(scores[itself]).ravel(), itself), shape=scores.shape
                    )
                else:
                    scores = np.array(scores, copy=True)
                    scores[itself] = -np.inf
                parts.append((block, top_items(scores, k)))
        return _frame(wanted, self.interactions_.items, parts, ITEM, SIMILAR)

    def blocks(self, places: Codes) -> Iterator[Codes]:
        """``places`` in parts whose dense scores fill about :data:`BLOCK_BYTES`."""
        size = max(1, BLOCK_BYTES // (8 * max(1, len(self.interactions_.items))))
        for start in range(0, len(places), size):
            yield places[start : start + size]


def _for_each(n: int, found: TopItems) -> TopItems:
    """One list given to ``n`` rows."""
    row = np.repeat(np.arange(n), len(found.row))
    return TopItems(row, np.tile(found.column, n), np.tile(found.rank, n), np.tile(found.score, n))


def _unit_columns(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel())
    scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    return (matrix @ sparse.diags(scale.astype(np.float32))).tocsr()


def _check_k(k: int) -> None:
    if k < 1:
        raise ValueError(f"k: expected at least 1, got {k}")


def _frame(subjects: Ids, items: Ids, parts: list[tuple[Codes, TopItems]], subject: str, item: str) -> pd.DataFrame:
    """Lists of places in ``subjects`` and ``items`` as a frame in the order of ``subjects``."""
    empty = np.zeros(0, dtype=np.int64)
    place = np.concatenate([empty, *(block[found.row] for block, found in parts)])
    column = np.concatenate([empty, *(found.column for _, found in parts)])
    rank = np.concatenate([empty, *(found.rank for _, found in parts)])
    score = np.concatenate([np.zeros(0), *(found.score for _, found in parts)])
    order = np.lexsort((rank, place))
    return pd.DataFrame(
        {subject: subjects[place[order]], item: items[column[order]], RANK: rank[order], SCORE: score[order]}
    ).astype({subject: "str", item: "str"})

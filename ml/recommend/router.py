"""Who is asked for whom, by how much is known of a user.

Nothing known: what is popular lately. Up to :data:`FEW` items: items near them (item-kNN), unless the back-test says
beyond doubt that others serve such users better. More: the model that the back-test chose. What a model leaves short
is filled up with what is popular. Where no model beat popularity, popularity serves all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from ml.recommend.interactions import Codes, Interactions
from ml.recommend.item_sums import ItemSums
from ml.recommend.reasons import explainer, strongest
from ml.recommend.recommender import BlockRecommender
from ml.recommend.shelf import Lists, Shelf

#: Up to so many items of a user the items near them say more than a model of the whole matrix.
FEW = 5
#: Asked of a model for each place of the list, as variants and what is not for the user are crossed out.
_SPARE = 3
#: Users whose lists are filled up together.
_SHORT_AT_A_TIME = 1_024
_MICROSECONDS_A_DAY = 86_400_000_000
#: What made a row.
POPULAR, NEAR, CHOSEN = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Popular:
    """What is popular: ``scores`` (shape ``(items,)``) counts users of the last ``days`` (``None``: all), equal ones by
    all users of the log; 0 for what nobody chose."""

    days: float | None
    scores: np.ndarray

    @classmethod
    def of(cls, interactions: Interactions, days: float | None) -> Popular:
        """Count the users of ``interactions``; raises ``ValueError`` where ``days`` is given and times are unknown."""
        n_items = interactions.shape[1]
        ever = np.bincount(interactions.matrix.indices, minlength=n_items).astype(float)
        if days is None:
            return cls(None, ever)
        if interactions.times is None:
            raise ValueError(f"popularity of the last {days:g} days: expected interactions with times")
        recent = interactions.times > interactions.times.max(initial=0) - days * _MICROSECONDS_A_DAY
        lately = np.bincount(interactions.matrix.indices[recent], minlength=n_items)
        return cls(days, lately + ever / (ever.max(initial=0.0) + 1))

    @property
    def name(self) -> str:
        """As of the baselines in the back-test."""
        return "popular" if self.days is None else f"popular_{self.days:g}_days"

    def order(self, open_items: np.ndarray) -> Codes:
        """Columns that somebody chose and that can be had, most popular first, equal ones by item id."""
        order = np.argsort(-self.scores, kind="stable")
        return order[(self.scores[order] > 0) & open_items[order]].astype(np.int64)


@dataclass(frozen=True, eq=False)
class Router:
    """The models of a day, with its users in them.

    ``chosen`` is ``None`` where popularity serves all. ``near`` and ``chosen`` have the items of ``interactions``;
    ``bought`` (users × items) is what users are not shown variants of. ``few`` says who serves users of few items:
    :data:`NEAR`, :data:`CHOSEN` or :data:`POPULAR`.
    """

    interactions: Interactions
    shelf: Shelf
    bought: sparse.csr_matrix
    popular: Popular
    near: ItemSums
    chosen: BlockRecommender | None
    few: int = NEAR

    def lists(self, rows: Codes, k: int) -> Lists:
        """Up to ``k`` items for each user in ``rows``, with the own item that explains each; by row and rank."""
        rows = np.unique(rows)
        sizes = np.diff(self.interactions.matrix.indptr)[rows]
        parts = []
        if self.chosen is not None:
            few = sizes <= FEW if self.few != CHOSEN else np.zeros(len(rows), dtype=bool)
            parts = [self._asked(self.chosen, rows[~few], k, CHOSEN)]
            if self.few == NEAR:
                parts.append(self._asked(self.near, rows[few], k, NEAR))
        found = self.shelf.tidy(_together(parts), k, self.bought)
        counts = np.bincount(np.searchsorted(rows, found.row), minlength=len(rows))
        short = rows[counts < k]
        if not len(short):
            return found
        filled = self._filled(found, short, k)
        enough = found.where(~np.isin(found.row, short))
        both = _together([enough, filled])
        return both.where(np.lexsort((both.rank, both.row)))

    def _asked(self, model: BlockRecommender, rows: Codes, k: int, source: int) -> Lists:
        parts: list[Lists] = []
        # of whole categories that are crossed out: tastes are narrow, and all that a model names first may be of them
        once = self.shelf.once >= 0
        has = self.bought[rows] @ once.astype(np.float32) > 0
        spare = int((once & self.shelf.open).sum())
        blocks = [
            (whose[block], k * _SPARE + more)
            for whose, more in ((rows[~has], 0), (rows[has], spare))
            for block in model.user_blocks(whose, np.arange(len(whose)))
        ]
        with threadpool_limits(1):
            for users, depth in blocks:
                found = model.top(users, depth, filter_seen=True)
                # crossed out before reasons are looked for, which cost more
                asked = Lists(
                    users[found.row],
                    found.column,
                    found.rank,
                    found.score,
                    np.full(len(found.row), -1, dtype=np.int64),
                    np.full(len(found.row), source, dtype=np.int64),
                )
                kept = self.shelf.tidy(asked, k, self.bought)
                because = strongest(explainer(model, self.near), kept.row, kept.column)
                parts.append(kept._replace(because=because))
        return _together(parts)

    def _filled(self, found: Lists, short: Codes, k: int) -> Lists:
        """Lists of the users in ``short``, with what is popular after their own."""
        order = self._one_of_each_family()
        share = self.popular.scores / (self.popular.scores.max(initial=0.0) + 1)
        sizes = np.diff(self.interactions.matrix.indptr)
        # histories of about one length together, as the longest sets how far down the popular items one has to look
        short = short[np.argsort(sizes[short], kind="stable")]
        parts = []
        for start in range(0, len(short), _SHORT_AT_A_TIME):
            users = np.sort(short[start : start + _SHORT_AT_A_TIME])
            # what a user has seen, variants of what was bought, and what the own list holds is passed over
            head = order[: _reaches(self.shelf.once[order] < 0, 2 * int(sizes[users].max()) + 2 * k)]
            own = found.where(np.isin(found.row, users))
            place = np.searchsorted(users, own.row)
            # below everything of the own list, and still in the order of popularity
            least = np.full(len(users), 1.0)
            np.minimum.at(least, place, own.score)
            seen = self.interactions.binary[users]
            free = np.ones((len(users), len(head)), dtype=bool)
            crossed = seen[:, head].tocoo()
            free[crossed.row, crossed.col] = False
            row, rank = np.nonzero(free)
            offered = Lists(
                users[row],
                head[rank],
                k + 1 + rank.astype(np.int64),
                least[row] - 1 + share[head[rank]],
                np.full(len(row), -1, dtype=np.int64),
                np.full(len(row), POPULAR, dtype=np.int64),
            )
            parts.append(self.shelf.tidy(_together([own, offered]), k, self.bought))
        return _together(parts)

    def _one_of_each_family(self) -> Codes:
        """The popular items without less popular variants of each other."""
        order = self.popular.order(self.shelf.open)
        return order[np.sort(np.unique(self.shelf.family[order], return_index=True)[1])]


def _reaches(counted: np.ndarray, number: int) -> int:
    """How many places it takes to have ``number`` that count: a user may be shown nothing of the others."""
    return int(np.searchsorted(np.cumsum(counted), number)) + 1


def _together(parts: list[Lists]) -> Lists:
    none = np.zeros(0, dtype=np.int64)
    empty = Lists(none, none, none, np.zeros(0), none, none)
    return Lists(*(np.concatenate(columns) for columns in zip(empty, *parts, strict=True)))

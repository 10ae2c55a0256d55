"""Sessions that resemble the one under way, and what they went on to: VSKNN and STAN.

Only an item's newest sessions can be neighbours, so that the cost of an answer does not grow with history. Where the
papers take a sample of all sessions that share any item, here each item brings its own newest ones: a rare item is
not crowded out by a common one.

Sources: M. Ludewig and D. Jannach, "Evaluation of session-based recommendation algorithms" (2018),
https://doi.org/10.1007/s11257-018-9209-6 (V-SKNN); D. Garg et al., "Sequence and time aware neighborhood for
session-based recommendations: STAN" (2019), https://doi.org/10.1145/3331184.3331322.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ml.evaluation.intervals import Floats
from ml.recommend.sessions.item_pairs import MOST_STEPS
from ml.recommend.sessions.model import SessionModel, block_size
from ml.recommend.sessions.popularity import widened
from ml.recommend.sessions.steps import Codes, Contexts, Steps, session_items, without_repeats

_DAY = 86_400_000_000.0
#: Contexts compared with their neighbours at a time: a context meets thousands of sessions.
_ROWS = 256


class Near(NamedTuple):
    """Neighbours of a block of contexts, and every item of theirs.

    ``row`` and ``session`` (shape ``(p,)``) are the pairs, ``likeness`` (``(p,)``) how near. The ``e`` items of all
    pairs: ``pair`` says whose, ``item`` which, ``place`` (0 ...) where in the neighbour. ``match_steps`` and
    ``match_place`` (``(p,)``) are of the newest item that both have: how many steps ago the context had it (0 for its
    last), and where the neighbour has it.
    """

    row: Codes
    session: Codes
    likeness: Floats
    pair: Codes
    item: Codes
    place: Codes
    match_steps: Codes
    match_place: Codes


class _Neighbours(SessionModel):
    """What VSKNN and STAN share.

    ``weights`` : how much the last, last but one ... item counts in comparing. ``neighbours`` : how many sessions are
    listened to. ``newest`` : sessions of an item that are looked at.
    """

    def __init__(self, weights: Floats, neighbours: int, newest: int) -> None:
        self.weights = weights
        self.neighbours = neighbours
        self.newest = newest

    def _learn(self, steps: Steps) -> None:
        session, item, place = session_items(steps, MOST_STEPS)
        self.first_ = np.searchsorted(session, np.arange(len(steps.sessions) + 1))
        self.item_, self.place_ = item, place
        self.ended_ = steps.ended
        self.length_ = np.diff(self.first_)
        # sessions are numbered by age, so the newest of an item are those with the highest numbers
        order = np.lexsort((-session, item))
        session, item = session[order], item[order]
        kept = np.arange(len(item)) - np.searchsorted(item, np.arange(len(steps.items)))[item] < self.newest
        shape = (len(steps.items), len(steps.sessions))
        self.sessions_of_ = sparse.csr_array((np.ones(int(kept.sum())), (item[kept], session[kept])), shape=shape)

    def _scores(self, contexts: Contexts, width: int) -> sparse.csr_array:
        size = min(_ROWS, block_size(width))
        parts = [
            self._of_block(contexts.rows(slice(start, start + size))) for start in range(0, len(contexts), size)
        ] or [sparse.csr_array((0, len(self.items_)))]
        return widened(sparse.csr_array(sparse.vstack(parts, format="csr")), width)

    def _of_block(self, contexts: Contexts) -> sparse.csr_array:
        n_items = len(self.items_)
        newest = without_repeats(contexts.newest(len(self.weights)))
        newest[newest >= n_items] = -1
        rows, ago = np.nonzero(newest >= 0)
        shape = (len(contexts), n_items)
        known = sparse.csr_array((self.weights[ago], (rows, newest[rows, ago])), shape=shape)
        row, session, likeness = self._nearest(sparse.csr_array(known @ self.sessions_of_), contexts, known)
        lengths = self.length_[session]
        pair = np.repeat(np.arange(len(row)), lengths)
        within = np.arange(len(pair)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        cell = self.first_[session][pair] + within
        item, place = self.item_[cell], self.place_[cell]
        steps_ago = np.full(shape, len(self.weights), dtype=np.int16)
        steps_ago[rows, newest[rows, ago]] = ago
        found = steps_ago[row[pair], item].astype(np.int64)
        # every pair has an item in common, so none is empty; the lowest of steps ago and place is the match
        first = np.cumsum(lengths) - lengths
        packed = found * (int(place.max(initial=0)) + 1) + place
        match = np.minimum.reduceat(packed, first) if len(first) else np.empty(0, dtype=np.int64)
        steps, at = np.divmod(match, int(place.max(initial=0)) + 1)
        near = Near(row, session, likeness, pair, item, place, steps, at)
        return sparse.csr_array((self._votes(near), (row[pair], item)), shape=shape)

    def _nearest(
        self, shared: sparse.csr_array, contexts: Contexts, known: sparse.csr_array
    ) -> tuple[Codes, Codes, Floats]:
        """Context, session and likeness of the nearest neighbours, the newer session first where two are as near."""
        counts = np.diff(shared.indptr)
        row = np.repeat(np.arange(shared.shape[0]), counts)
        session = shared.indices.astype(np.int64)
        likeness = self._likeness(shared.data, row, session, contexts, known)
        widest = int(counts.max(initial=0))
        if widest > self.neighbours:
            table: npt.NDArray[np.float64] = np.full((shared.shape[0], widest), -1.0)
            column = np.arange(len(row)) - shared.indptr[:-1][row]
            # less than any difference that means something, and newer sessions have higher numbers
            table[row, column] = likeness * (1.0 + 1e-9 * session / max(len(self.ended_), 1))
            best = np.argpartition(-table, self.neighbours - 1, axis=1)[:, : self.neighbours]
            chosen = np.zeros(table.shape, dtype=bool)
            np.put_along_axis(chosen, best, True, axis=1)
            kept = chosen[row, column]
            row, session, likeness = row[kept], session[kept], likeness[kept]
        return row, session, likeness

    @abstractmethod
    def _likeness(
        self, shared: Floats, row: Codes, session: Codes, contexts: Contexts, known: sparse.csr_array
    ) -> Floats:
        """How near pairs are, from the weights of what they share."""

    @abstractmethod
    def _votes(self, near: Near) -> Floats:
        """What each item of each neighbour adds to its score, shape ``(e,)``."""


class Vsknn(_Neighbours):
    """Vector multiplication session-kNN: later items of the session count more, and rare items more than common ones.

    Parameters
    ----------
    neighbours, newest : sessions listened to; sessions of an item that are looked at.
    reach : items of the session that count; the ``j``-th from the end weighs ``1 - j / reach``.
    rarity : how much ``log(sessions / sessions with the item)`` raises an item's score.
    """

    name = "vsknn"

    def __init__(self, neighbours: int = 200, newest: int = 1000, reach: int = 5, rarity: float = 1.0) -> None:
        self.reach = reach
        self.rarity = rarity
        super().__init__(1.0 - np.arange(reach) / reach, neighbours, newest)

    def _learn(self, steps: Steps) -> None:
        super()._learn(steps)
        sessions = np.bincount(self.item_, minlength=len(self.items_))
        self.rare_ = np.log(len(self.ended_) / np.maximum(sessions, 1))

    def _likeness(
        self, shared: Floats, row: Codes, session: Codes, contexts: Contexts, known: sparse.csr_array
    ) -> Floats:
        return shared

    def _votes(self, near: Near) -> Floats:
        weight = near.likeness * self.weights[near.match_steps]
        votes: Floats = weight[near.pair] * (1.0 + self.rarity * self.rare_[near.item])
        return votes


class Stan(_Neighbours):
    """Sequence and time aware neighbourhood: three decays.

    Parameters
    ----------
    neighbours, newest : sessions listened to; sessions of an item that are looked at.
    steps : an item of the session counts ``exp(-j / steps)``, ``j`` steps before the last.
    days : a neighbour counts ``exp(-d / days)``, ``d`` days older.
    places : an item of a neighbour counts ``exp(-p / places)``, ``p`` places from the one in common.
    reach : items of the session that count at all.
    """

    name = "stan"

    def __init__(
        self,
        neighbours: int = 500,
        newest: int = 1000,
        steps: float = 0.8,
        days: float = 30.0,
        places: float = 5.0,
        reach: int = 10,
    ) -> None:
        self.steps = steps
        self.days = days
        self.places = places
        self.reach = reach
        super().__init__(np.exp(-np.arange(reach) / steps), neighbours, newest)

    def _likeness(
        self, shared: Floats, row: Codes, session: Codes, contexts: Contexts, known: sparse.csr_array
    ) -> Floats:
        own = np.sqrt(known.multiply(known).sum(axis=1))
        older = np.maximum(contexts.at[row] - self.ended_[session], 0) / _DAY
        likeness: Floats = shared / (own[row] * np.sqrt(self.length_[session])) * np.exp(-older / self.days)
        return likeness

    def _votes(self, near: Near) -> Floats:
        away = np.abs(near.place - near.match_place[near.pair])
        votes: Floats = near.likeness[near.pair] * np.exp(-away / self.places)
        return votes

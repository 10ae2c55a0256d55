"""Sessions as sequences of items, and what was known at a moment of one.

Items and sessions are texts in any script; inside they are numbers, in the order of the texts, so that a tie between
two items is settled by their ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from ml.evaluation.intervals import Floats

#: Columns of a frame of steps; the last three may be missing.
SESSION, ITEM, TIME, KIND, CATEGORY, VISITOR = "session", "item", "time", "kind", "category", "visitor"
#: The kind of a step in which something is bought.
BOUGHT = "purchase"

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Steps:
    """What ``m`` sessions looked at or bought, one step after the other: ``n`` steps in all.

    ``items`` (shape ``(i,)``) are the item ids in ascending order, ``sessions`` (``(m,)``) the session ids in order of
    their newest step. ``item``, ``time`` (microseconds since 1970) and ``bought`` (``(n,)``) describe the steps; those
    of session ``s`` are ``starts[s]`` to ``starts[s + 1] - 1``. ``category`` (``(i,)``) is each item's newest one as a
    number, -1 where unknown. ``visitors`` (``(m,)``) is who visits, where known.
    """

    items: Texts
    sessions: Texts
    starts: Codes
    item: Codes
    time: Codes
    bought: Mask
    category: Codes
    visitors: Texts | None = None

    def __len__(self) -> int:
        return len(self.item)

    @property
    def session(self) -> Codes:
        """The session of each step, shape ``(n,)``."""
        return np.repeat(np.arange(len(self.sessions)), np.diff(self.starts))

    @property
    def ended(self) -> Codes:
        """When each session's newest step was, microseconds, ascending; shape ``(m,)``."""
        return self.time[self.starts[1:] - 1]

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Steps:
        """Steps from one row each, in any order; rows of one session and time keep the frame's order.

        ``frame`` has ``SESSION``, ``ITEM`` and ``TIME`` (datetime), and may have ``KIND`` (``BOUGHT``, or anything
        else), ``CATEGORY`` and ``VISITOR``. Raises ``ValueError`` naming the column that is missing or has empty
        cells. No rows are fine.
        """
        for name in (SESSION, ITEM, TIME):
            if name not in frame.columns:
                raise ValueError(f"steps: expected a column {name}, got {sorted(map(str, frame.columns))}")
            if frame[name].isna().any():
                raise ValueError(f"steps.{name}: expected a value in every row, {frame[name].isna().sum()} are empty")
        time = frame[TIME].to_numpy(dtype="datetime64[us]").astype(np.int64)
        item, items = _coded(frame[ITEM])
        session, sessions = _coded(frame[SESSION])
        newest = np.full(len(sessions), np.iinfo(np.int64).min)
        np.maximum.at(newest, session, time)
        # from here on a session's number says how old it is, and ids settle ties
        age = np.argsort(newest, kind="stable")
        place = np.empty_like(age)
        place[age] = np.arange(len(age))
        session, sessions = place[session], sessions[age]
        order = np.lexsort((time, session))
        starts = np.searchsorted(session[order], np.arange(len(sessions) + 1))
        kind = frame[KIND].to_numpy(dtype=object) if KIND in frame.columns else np.full(len(frame), "", dtype=object)
        visitors = None
        if VISITOR in frame.columns:
            visitors = np.full(len(sessions), None, dtype=object)
            visitors[session] = frame[VISITOR].to_numpy(dtype=object)
        return cls(
            items=items,
            sessions=sessions,
            starts=starts,
            item=item[order],
            time=time[order],
            bought=(kind == BOUGHT)[order],
            category=_newest_category(frame, item, time, len(items)),
            visitors=visitors,
        )

    def of_sessions(self, chosen: Mask) -> Steps:
        """Only the sessions chosen (shape ``(m,)``); items that none of them has are forgotten."""
        steps = np.repeat(chosen, np.diff(self.starts))
        kept, item = np.unique(self.item[steps], return_inverse=True)
        return Steps(
            items=self.items[kept],
            sessions=self.sessions[chosen],
            starts=np.concatenate([[0], np.cumsum(np.diff(self.starts)[chosen])]),
            item=item.astype(np.int64),
            time=self.time[steps],
            bought=self.bought[steps],
            category=self.category[kept],
            visitors=None if self.visitors is None else self.visitors[chosen],
        )


@dataclass(frozen=True, eq=False)
class Contexts:
    """``n`` moments at which to say what comes next, each with its session's items so far, oldest first.

    ``items`` are ids in ascending order; context ``c`` knows ``flat[starts[c]:ends[c]]``, numbers in ``items``.
    ``at`` (``(n,)``, microseconds) is when its newest step was; -1 means now. Contexts of one session share ``flat``.
    """

    items: Texts
    flat: Codes
    starts: Codes
    ends: Codes
    at: Codes

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def from_lists(cls, sessions: Sequence[Sequence[str]]) -> Contexts:
        """One context per list of item ids, as of now."""
        lengths = np.array([len(one) for one in sessions], dtype=np.int64)
        flat, items = _coded(pd.Series([item for one in sessions for item in one], dtype=object))
        ends = np.cumsum(lengths)
        return cls(items, flat, ends - lengths, ends, np.full(len(lengths), -1, dtype=np.int64))

    def rows(self, chosen: slice | Mask) -> Contexts:
        """The chosen contexts."""
        return Contexts(self.items, self.flat, self.starts[chosen], self.ends[chosen], self.at[chosen])

    def recoded(self, codes: Codes) -> Contexts:
        """The same with other numbers for the items: ``codes`` (shape ``(i,)``)."""
        return Contexts(self.items, codes[self.flat], self.starts, self.ends, self.at)

    def newest(self, length: int) -> Codes:
        """The last items, newest first, -1 where there are no more; shape ``(n, length)``."""
        place = self.ends[:, None] - 1 - np.arange(length)[None, :]
        inside = place >= self.starts[:, None]
        found = np.full(place.shape, -1, dtype=np.int64)
        found[inside] = self.flat[place[inside]]
        return found

    def seen(self, width: int) -> sparse.csr_array:
        """Which items each context knows, 1 or nothing; shape ``(n, width)``."""
        rows, items = self.pairs()
        seen = sparse.csr_array((np.ones(len(rows)), (rows, items)), shape=(len(self), width))
        seen.data[:] = 1.0
        return seen

    def pairs(self) -> tuple[Codes, Codes]:
        """Context and item of every step that is known, oldest first in a context."""
        lengths = self.ends - self.starts
        rows = np.repeat(np.arange(len(self)), lengths)
        return rows, self.flat[np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths - self.starts, lengths)]


def without_repeats(newest: Codes) -> Codes:
    """``Contexts.newest`` with only the newest mention of each item; the others become -1."""
    found = newest.copy()
    for place in range(1, newest.shape[1]):
        found[(newest[:, :place] == newest[:, place : place + 1]).any(axis=1), place] = -1
    return found


def session_items(steps: Steps, most: int) -> tuple[Codes, Codes, Codes]:
    """Session, item and place (0 for the first step) of each session's different items among its last ``most`` steps.

    An item that occurs twice stands once, at its last place. Ordered by session and place.
    """
    session = steps.session
    place = np.arange(len(steps)) - steps.starts[:-1][session]
    recent = np.diff(steps.starts)[session] - place <= most
    session, item, place = session[recent], steps.item[recent], place[recent]
    order = np.lexsort((place, item, session))
    last = np.ones(len(order), dtype=bool)
    last[:-1] = (np.diff(session[order]) != 0) | (np.diff(item[order]) != 0)
    kept = np.sort(order[last])
    return session[kept], item[kept], place[kept]


def decayed(contexts: Contexts, weights: Floats, width: int) -> sparse.csr_array:
    """Each context's last items with a weight by how long ago they were (``weights[0]`` for the newest), an item that
    repeats with its newest; items outside of ``0 .. width - 1`` are left out. Shape ``(n, width)``."""
    newest = without_repeats(contexts.newest(len(weights)))
    rows, places = np.nonzero((newest >= 0) & (newest < width))
    return sparse.csr_array((weights[places], (rows, newest[rows, places])), shape=(len(contexts), width))


def _coded(column: pd.Series) -> tuple[Codes, Texts]:
    """Numbers of the texts in ascending order of code points, and the texts."""
    texts = column.astype(object).map(str).to_numpy(dtype=object)
    codes, found = pd.factorize(texts)
    order = np.argsort(found.astype(object), kind="stable") if len(found) else np.empty(0, dtype=np.int64)
    place = np.empty(len(found), dtype=np.int64)
    place[order] = np.arange(len(found))
    return (place[codes] if len(codes) else np.empty(0, dtype=np.int64)), np.asarray(found, dtype=object)[order]


def _newest_category(frame: pd.DataFrame, item: Codes, time: Codes, n_items: int) -> Codes:
    """Each item's newest known category as a number; -1 where there is none."""
    found = np.full(n_items, -1, dtype=np.int64)
    if CATEGORY not in frame.columns:
        return found
    known = frame[CATEGORY].notna().to_numpy()
    codes, _ = _coded(frame.loc[known, CATEGORY])
    order = np.lexsort((codes, time[known]))
    found[item[known][order]] = codes[order]
    return found

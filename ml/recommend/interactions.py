"""What every recommender learns from: a sparse matrix of users and items, made from rows with named columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from ml.evaluation.ranking.columns import ITEM, RANK, SCORE, SIMILAR, TIME, USER, WEIGHT

__all__ = [
    "EVENT_WEIGHTS",
    "ITEM",
    "RANK",
    "SCORE",
    "SIMILAR",
    "TIME",
    "USER",
    "WEIGHT",
    "Interactions",
    "event_weights",
]

#: How much an event of the contract says of liking, a look being 1. What is not here says nothing.
EVENT_WEIGHTS: Mapping[str, float] = {
    "view_item": 1.0,
    "select_item": 1.0,
    "add_to_wishlist": 2.0,
    "add_to_cart": 3.0,
    "purchase": 5.0,
}

#: What is left of 0.1 + 0.2 - 0.3 is no liking; neither is what float32 cannot hold.
_NOTHING = 1e-9

Codes = npt.NDArray[np.int64]
Ids = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Interactions:
    """Users × items.

    ``matrix``: CSR, float32, shape ``(len(users), len(items))``, every stored value above 0, indices sorted.
    ``users``, ``items``: their ids as ``str`` in code point order, so that a tie broken by the smaller column is
    broken by item id. ``times``: newest moment of each stored pair, in the order of ``matrix.data``, as
    microseconds since 1970 UTC; ``None`` where unknown.
    """

    matrix: sparse.csr_matrix
    users: Ids
    items: Ids
    times: Codes | None = None

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, *, users: Iterable[str] | None = None, items: Iterable[str] | None = None
    ) -> Interactions:
        """From rows of ``user``, ``item``, and where there are such columns ``weight`` and ``time``.

        Rows of one pair are summed, and their newest time kept. A pair whose sum is not above 0 (bought and taken
        back, say) is dropped: it is no sign of liking. ``users`` and ``items`` add ids that have no row, such as a
        product that nobody saw yet.

        Raises ``ValueError`` for a missing column, an id or time that is null, or a weight that is not finite.
        """
        missing = [name for name in (USER, ITEM) if name not in frame.columns]
        if missing:
            raise ValueError(f"interactions: expected the columns {USER} and {ITEM}, missing {missing}")
        row, user_ids = _codes(frame[USER], users)
        column, item_ids = _codes(frame[ITEM], items)
        weight = frame[WEIGHT].to_numpy(dtype=float) if WEIGHT in frame.columns else np.ones(len(frame))
        times = None
        if TIME in frame.columns:
            if frame[TIME].isna().any():
                raise ValueError(f"interactions.{TIME}: expected no missing value")
            times = frame[TIME].to_numpy(dtype="datetime64[us]").astype(np.int64)
        return cls.from_codes(row, column, weight, users=user_ids, items=item_ids, times=times)

    @classmethod
    def from_codes(
        cls,
        row: Codes,
        column: Codes,
        weight: npt.NDArray[np.float64],
        *,
        users: Ids,
        items: Ids,
        times: Codes | None = None,
    ) -> Interactions:
        """As :meth:`from_frame`, of places in ``users`` and ``items`` (both in code point order, without repeats)."""
        if not np.isfinite(weight).all():
            raise ValueError(f"interactions.{WEIGHT}: expected finite numbers")
        shape = (len(users), len(items))
        if times is None:
            # without times SciPy adds up in half the memory
            summed = sparse.coo_matrix((weight, (row, column)), shape=shape).tocsr()
            summed.sum_duplicates()
            summed.data[summed.data.astype(np.float32) <= _NOTHING] = 0
            summed.eliminate_zeros()
            return cls(summed.astype(np.float32), users, items)
        key = np.asarray(row, dtype=np.int64) * max(shape[1], 1) + column
        order = np.argsort(key, kind="stable")
        key, weight = key[order], weight[order]
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        total = np.add.reduceat(weight, starts) if len(starts) else np.zeros(0)
        keep = total.astype(np.float32) > _NOTHING
        pair = key[starts][keep]
        indptr = np.searchsorted(pair // max(shape[1], 1), np.arange(shape[0] + 1))
        indices = pair % max(shape[1], 1)
        matrix = sparse.csr_matrix((total[keep].astype(np.float32), indices, indptr), shape=shape)
        newest = np.maximum.reduceat(times[order], starts)[keep] if len(starts) else np.zeros(0, dtype=np.int64)
        return cls(matrix, users, items, newest)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of users and of items."""
        return len(self.users), len(self.items)

    @cached_property
    def binary(self) -> sparse.csr_matrix:
        """The matrix with 1 for every stored pair, float32; its places are shared."""
        ones = np.ones_like(self.matrix.data)
        return sparse.csr_matrix((ones, self.matrix.indices, self.matrix.indptr), shape=self.matrix.shape)

    @cached_property
    def newest_of_user(self) -> npt.NDArray[np.datetime64] | None:
        """Newest moment of each user, shape ``(n_users,)``, NaT for users without a pair; ``None`` if unknown."""
        if self.times is None:
            return None
        newest = np.full(len(self.users), np.datetime64("NaT", "us"))
        filled = np.flatnonzero(np.diff(self.matrix.indptr))
        if len(filled):
            newest[filled] = np.maximum.reduceat(self.times, self.matrix.indptr[filled]).astype("datetime64[us]")
        return newest

    def rows_of(self, users: Iterable[str]) -> Codes:
        """Rows of ``users``, -1 for those that are not in the matrix."""
        return self._user_index.get_indexer(pd.Index(list(users), dtype=object)).astype(np.int64)

    def columns_of(self, items: Iterable[str]) -> Codes:
        """Columns of ``items``, -1 for those that are not in the matrix."""
        return self._item_index.get_indexer(pd.Index(list(items), dtype=object)).astype(np.int64)

    def to_frame(self) -> pd.DataFrame:
        """The pairs as ``user``, ``item``, ``weight`` and, if known, ``time``; by user and item."""
        rows = np.repeat(np.arange(len(self.users)), np.diff(self.matrix.indptr))
        frame = pd.DataFrame({USER: self.users[rows], ITEM: self.items[self.matrix.indices], WEIGHT: self.matrix.data})
        if self.times is not None:
            frame[TIME] = self.times.astype("datetime64[us]")
        return frame

    @cached_property
    def _user_index(self) -> pd.Index:
        return pd.Index(self.users, dtype=object)

    @cached_property
    def _item_index(self) -> pd.Index:
        return pd.Index(self.items, dtype=object)


def event_weights(
    events: pd.Series,
    times: pd.Series | None = None,
    *,
    weights: Mapping[str, float] = EVENT_WEIGHTS,
    half_life_days: float | None = None,
    now: pd.Timestamp | None = None,
) -> pd.Series:
    """How much each event says of liking now: its weight, halved for every ``half_life_days`` that it lies back.

    ``events`` holds names of the event contract; one without a weight gets 0 (which ``Interactions`` drops). With a
    half-life ``times`` is needed; ``now`` is the newest of them unless told, and what is later than ``now`` counts
    in full. Indexed like ``events``.

    Raises ``ValueError`` for a half-life without times, or one that is not above 0.
    """
    weight = events.map(dict(weights)).fillna(0.0).astype(float).rename(WEIGHT)
    if half_life_days is None:
        return weight
    if times is None or half_life_days <= 0:
        raise ValueError(f"half_life_days: expected times and a number above 0, got {half_life_days}")
    moment = times.max() if now is None else now
    days_back = (moment - times).dt.total_seconds().clip(lower=0.0) / 86_400
    return (weight * np.exp2(-days_back / half_life_days)).rename(WEIGHT)


def _codes(values: pd.Series, more: Iterable[str] | None) -> tuple[Codes, Ids]:
    """Places of ``values`` in their sorted distinct texts (and those of ``more``), and these texts."""
    if values.isna().any():
        raise ValueError(f"interactions.{values.name}: expected no missing id")
    codes, found = pd.factorize(values)
    texts = np.array([str(value) for value in found], dtype=object)
    known = sorted({*texts, *([] if more is None else map(str, more))})
    ids = np.array(known, dtype=object)
    place = pd.Index(ids, dtype=object).get_indexer(pd.Index(texts, dtype=object)).astype(np.int64)
    return (place[codes] if len(codes) else np.zeros(0, dtype=np.int64)), ids

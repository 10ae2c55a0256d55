"""Which interactions a recommender learns from and which it is judged by.

Every split takes a frame with ``user`` and ``item`` (and ``time`` where the split is by time), one row per
interaction, and returns rows of it untouched. Only a cut in time asks what a shop asks: the random splits and
leave-last-out let a model see what others did after the moment it recommends at. They are here because published
tables use them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.ranking.columns import ITEM, TIME, USER

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """Rows to learn from and rows to be judged by; ``name`` says how they were parted, ``cut`` when (if in time)."""

    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    cut: pd.Timestamp | None = None

    def new_to_user(self) -> Split:
        """The same, judged only by items that the user has not met in ``train``."""
        return Split(self.name, self.train, self.test[~self._met()], self.cut)

    def again_to_user(self) -> Split:
        """The same, judged only by items that the user has met before: buying again."""
        return Split(self.name, self.train, self.test[self._met()], self.cut)

    def repeat_share(self) -> float:
        """Share of test rows whose item the user has met in ``train``; NaN without test rows."""
        return float(self._met().mean()) if len(self.test) else float("nan")

    def of_known_users(self) -> Split:
        """The same, judged only by users who are in ``train``."""
        return Split(self.name, self.train, self.test[self.test[USER].isin(self.train[USER])], self.cut)

    def of_strangers(self) -> Split:
        """The same, judged only by users who are not in ``train``."""
        return Split(self.name, self.train, self.test[~self.test[USER].isin(self.train[USER])], self.cut)

    def _met(self) -> Flags:
        seen = pd.MultiIndex.from_frame(self.train[[USER, ITEM]])
        return np.asarray(pd.MultiIndex.from_frame(self.test[[USER, ITEM]]).isin(seen), dtype=bool)


def random_per_item(interactions: pd.DataFrame, *, share: float = 0.75, seed: int = 42) -> Split:
    """``share`` of each item's rows, drawn at random, to learn from; a count that is half-way rounds to even.

    Row for row the split by item of the public recommenders benchmark (``python_stratified_split`` with
    ``filter_by="item"``): one uniform number per row from NumPy's legacy generator, rows ordered by it within
    their item. The order of ``interactions`` matters.
    """
    return _random_within(interactions, ITEM, share, seed)


def random_per_user(interactions: pd.DataFrame, *, share: float = 0.75, seed: int = 42) -> Split:
    """``share`` of each user's rows, drawn at random, to learn from; see :func:`random_per_item`."""
    return _random_within(interactions, USER, share, seed)


def leave_last_out(interactions: pd.DataFrame, *, last: int = 1) -> Split:
    """The ``last`` newest rows of each user are held out; users with no more than that stay in ``train`` whole.

    Leaky: what other users did later is learned from. Rows of one moment are ordered by item.
    """
    if last < 1:
        raise ValueError(f"last: expected at least 1, got {last}")
    _need(interactions, TIME)
    ordered = interactions.sort_values([USER, TIME, ITEM], kind="stable")
    groups = ordered.groupby(USER, sort=False)
    from_end = groups.cumcount(ascending=False).to_numpy()
    size = groups[USER].transform("size").to_numpy()
    held = pd.Series((from_end < last) & (size > last), index=ordered.index)
    return _part(f"leave the last {last} out", interactions, ~held.reindex(interactions.index).to_numpy())


def global_time(interactions: pd.DataFrame, cut: pd.Timestamp, *, until: pd.Timestamp | None = None) -> Split:
    """What was before ``cut`` to learn from; ``cut`` up to ``until`` (exclusive; the end unless told) to judge by."""
    _need(interactions, TIME)
    time = interactions[TIME]
    test = time >= cut
    if until is not None:
        if until <= cut:
            raise ValueError(f"until: expected a moment after the cut {cut}, got {until}")
        test &= time < until
    return Split(f"cut at {cut}", interactions[time < cut], interactions[test], cut)


def back_tests(interactions: pd.DataFrame, *, horizon: pd.Timedelta, times: int = 3) -> list[Split]:
    """``times`` cuts in time, oldest first, each judged by the ``horizon`` after it; the last ends with the data.

    The test windows do not overlap, so that the cuts are separate trials. Raises ``NotEnoughData`` where the data
    do not reach back to a row before the first cut, or a window holds no row.
    """
    if times < 1 or horizon <= pd.Timedelta(0):
        raise ValueError(f"back_tests: expected times >= 1 and a horizon above 0, got {times} and {horizon}")
    _need(interactions, TIME)
    if not len(interactions):
        raise NotEnoughData("interactions", "at least one", "none")
    first = interactions[TIME].min()
    end = interactions[TIME].max() + pd.Timedelta(1, "us")
    if end - times * horizon <= first:
        raise NotEnoughData("history of interactions", f"more than {times} times {horizon}", str(end - first))
    cuts = [end - back * horizon for back in range(times, 0, -1)]
    splits = [global_time(interactions, cut, until=cut + horizon) for cut in cuts]
    empty = [split.name for split in splits if not len(split.test)]
    if empty:
        raise NotEnoughData("interactions to judge by", f"at least one in each window of {horizon}", f"none: {empty}")
    return splits


def back_tests_up_to(interactions: pd.DataFrame, *, horizon: pd.Timedelta, times: int) -> Iterator[list[Split]]:
    """:func:`back_tests` of ``times`` cuts, then of one fewer, and so on: those that the history is long enough for."""
    for number in range(times, 0, -1):
        try:
            yield back_tests(interactions, horizon=horizon, times=number)
        except NotEnoughData:
            continue


def check_no_leak(split: Split) -> None:
    """Raise ``ValueError`` where a row is in both parts, or ``train`` holds a row of the cut or later."""
    shared = split.train.index.intersection(split.test.index)
    if len(shared):
        raise ValueError(f"split '{split.name}': expected no row in both parts, found {len(shared)}")
    if split.cut is not None and len(split.train) and split.train[TIME].max() >= split.cut:
        raise ValueError(f"split '{split.name}': expected to learn from before {split.cut} only")


def _random_within(interactions: pd.DataFrame, column: str, share: float, seed: int) -> Split:
    if not 0 < share < 1:
        raise ValueError(f"share: expected a number between 0 and 1, got {share}")
    _need(interactions, column)
    codes = pd.factorize(interactions[column])[0]
    order = np.lexsort((np.random.RandomState(seed).rand(len(codes)), codes))
    size = np.bincount(codes) if len(codes) else np.zeros(0, dtype=np.int64)
    place = np.empty(len(codes), dtype=np.int64)
    place[order] = np.arange(len(codes)) - np.repeat(np.cumsum(size) - size, size)
    return _part(f"random per {column}, seed {seed}", interactions, place < np.round(share * size)[codes])


def _part(name: str, interactions: pd.DataFrame, train: Flags) -> Split:
    return Split(name, interactions[train], interactions[~train])


def _need(interactions: pd.DataFrame, column: str) -> None:
    missing = [name for name in (USER, ITEM, column) if name not in interactions.columns]
    if missing:
        raise ValueError(f"interactions: expected the columns {USER}, {ITEM} and {column}, missing {missing}")
    if not interactions.index.is_unique:
        raise ValueError("interactions: expected an index without repeats (reset_index first)")

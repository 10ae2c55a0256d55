"""Which parameters, and which fusion of which models: chosen on inner splits of what may be learned from.

Greedy selection with replacement: start with the best candidate, then add, again and again, the one that raises the
measure of the mean most; how often each was taken is its weight. Averaging over several inner splits keeps it from
following the luck of one.

Source: R. Caruana, A. Niculescu-Mizil, G. Crew, A. Ksikes, "Ensemble selection from libraries of models" (2004),
https://doi.org/10.1145/1015330.1015432.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.ranking.columns import ITEM, USER
from ml.evaluation.ranking.splits import Split, back_tests_up_to
from ml.recommend.fusion import ZScoreFusion, standardise
from ml.recommend.interactions import Codes, Interactions
from ml.recommend.recommender import BlockRecommender
from ml.recommend.top_items import top_items

#: Scores of every candidate are held for the judged users; of more cells than this a seeded sample of users is judged.
MOST_CELLS = 8_000_000

#: The name of the fusion among the candidates.
FUSION = "fusion"

#: Makes an unfitted model.
Maker = Callable[[], BlockRecommender]


@dataclass(frozen=True)
class Selection:
    """``alone``: mean nDCG over the inner splits of each candidate by itself; ``taken``: how often each is in the
    fusion (only those that are); ``path``: the fusion's nDCG after each step.

    ``per_user``: nDCG of each candidate, and of the fusion as :data:`FUSION`, for each user judged on each inner
    split, one split after the other; ``users`` says who they are. Choices are made by them (``choice``)."""

    alone: dict[str, float]
    taken: dict[str, int]
    path: tuple[float, ...]
    per_user: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict, compare=False, repr=False)
    users: npt.NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, dtype=object), compare=False, repr=False)

    @property
    def best(self) -> str:
        """The best candidate by itself; of equal ones the first."""
        return max(self.alone, key=lambda name: self.alone[name])

    def fusion(self, candidates: Mapping[str, Maker]) -> ZScoreFusion:
        """The unfitted fusion that was chosen."""
        return ZScoreFusion([candidates[name]() for name in self.taken], [float(n) for n in self.taken.values()])


def select_fusion(
    candidates: Mapping[str, Maker],
    splits: Sequence[Split],
    *,
    k: int = 10,
    steps: int = 12,
    filter_seen: bool = True,
    random_state: int = 42,
) -> Selection:
    """Fit every candidate on every inner split, and choose a fusion of them by nDCG at ``k``.

    ``steps`` is how often a candidate may be added; it stops sooner where nothing raises the measure. Raises
    ``NotEnoughData`` where no user of a split can be judged, ``ValueError`` without candidates or splits.
    """
    if not candidates or not splits:
        raise ValueError("select_fusion: expected at least one candidate and one inner split")
    names = list(candidates)
    trials = [_Trial.of(candidates, split, k, filter_seen, random_state) for split in splits]
    alone = {name: float(np.mean([trial.measure(trial.scores[name]) for trial in trials])) for name in names}
    taken = [max(names, key=lambda name: alone[name])]
    path = [alone[taken[0]]]
    sums = [trial.scores[taken[0]].copy() for trial in trials]
    while len(taken) < steps:
        found = {
            name: float(np.mean([t.measure(total + t.scores[name]) for t, total in zip(trials, sums, strict=True)]))
            for name in names
        }
        name = max(names, key=lambda candidate: found[candidate])
        if found[name] <= path[-1]:
            break
        taken.append(name)
        path.append(found[name])
        for trial, total in zip(trials, sums, strict=True):
            total += trial.scores[name]
    counts = {name: taken.count(name) for name in names if name in taken}
    per_user = {name: np.concatenate([trial.per_user(trial.scores[name]) for trial in trials]) for name in names}
    per_user[FUSION] = np.concatenate([trial.per_user(total) for trial, total in zip(trials, sums, strict=True)])
    return Selection(alone, counts, tuple(path), per_user, np.concatenate([trial.users for trial in trials]))


def inner_time_cuts(rows: pd.DataFrame, *, horizon: pd.Timedelta, times: int = 3) -> list[Split]:
    """Inner splits by time of what may be learned from: up to ``times`` cuts ``horizon`` apart, oldest first.

    Judged by what is new to users who are known at the cut, which is what a choice among personal models can be
    made by. Cuts that leave nobody to judge are left out, and fewer are made of a short history. Raises
    ``NotEnoughData`` where none is left.
    """
    for cuts in back_tests_up_to(rows, horizon=horizon, times=times):
        judged = [cut.of_known_users().new_to_user() for cut in cuts]
        judged = [cut for cut in judged if len(cut.test) and cut.test[ITEM].isin(cut.train[ITEM]).any()]
        if judged:
            return judged
    raise NotEnoughData("inner cuts in time", f"a known user with a new item in the last {horizon}", "none")


def judged_ndcg(
    model: BlockRecommender, split: Split, *, k: int = 10, random_state: int = 42
) -> npt.NDArray[np.float64]:
    """nDCG of one more model for each user whom :func:`select_fusion` judges on ``split``, in its order; fits it."""
    data = Interactions.from_frame(split.train)
    rows, relevant = _judged(data, split.test, random_state)
    fitted = model.fit(data)
    scores = np.full(relevant.shape, -np.inf, dtype=np.float32)
    for block in fitted.user_blocks(rows, np.arange(len(rows))):
        top = fitted.top(rows[block], k)
        scores[block[top.row], top.column] = -top.rank
    return _Trial({}, data.users[rows], ~np.isfinite(scores), relevant, k).per_user(scores)


@dataclass(frozen=True)
class _Trial:
    """One inner split: each candidate's standardised scores of the judged users, and what is relevant to them."""

    scores: dict[str, npt.NDArray[np.float32]]
    users: npt.NDArray[np.object_]
    closed: npt.NDArray[np.bool_]
    relevant: npt.NDArray[np.bool_]
    k: int

    @classmethod
    def of(cls, candidates: Mapping[str, Maker], split: Split, k: int, filter_seen: bool, random_state: int) -> _Trial:
        data = Interactions.from_frame(split.train)
        rows, relevant = _judged(data, split.test, random_state)
        closed = np.zeros(relevant.shape, dtype=bool)
        if filter_seen:
            seen = data.binary[rows]
            closed[np.repeat(np.arange(len(rows)), np.diff(seen.indptr)), seen.indices] = True
        scores = {}
        for name, make in candidates.items():
            model = make().fit(data)
            with threadpool_limits(1):
                scores[name] = standardise(model.dense_scores(rows, filter_seen)).astype(np.float32)
        return cls(scores, data.users[rows], closed, relevant, k)

    def measure(self, scores: npt.NDArray[np.float32]) -> float:
        """Mean nDCG."""
        return float(self.per_user(scores).mean())

    def per_user(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """nDCG of each judged user; an item that the models cannot know takes no part."""
        found = top_items(np.where(self.closed, -np.inf, scores), self.k)
        hit = self.relevant[found.row, found.column]
        gained = np.bincount(found.row, weights=hit / np.log2(1 + found.rank), minlength=len(scores))
        best = np.cumsum(1 / np.log2(np.arange(2, self.k + 2)))
        n = np.minimum(self.relevant.sum(axis=1), self.k)
        ndcg: npt.NDArray[np.float64] = gained / best[n - 1]
        return ndcg


def _judged(data: Interactions, test: pd.DataFrame, random_state: int) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Rows of the users with something relevant that a model can know, and which items that is."""
    row, column = data.rows_of(test[USER]), data.columns_of(test[ITEM])
    known = (row >= 0) & (column >= 0)
    rows = np.unique(row[known])
    if not len(rows):
        raise NotEnoughData("users with held-out interactions", "at least one", "none")
    most = max(1, MOST_CELLS // max(1, len(data.items)))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(random_state).choice(rows, most, replace=False))
    relevant = np.zeros((len(rows), len(data.items)), dtype=bool)
    known &= np.isin(row, rows)
    relevant[np.searchsorted(rows, row[known]), column[known]] = True
    return rows, relevant

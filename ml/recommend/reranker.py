"""A second look: gradient-boosted trees order the best candidates of several models by all of their scores together.

Source: C. Burges, "From RankNet to LambdaRank to LambdaMART: an overview" (2010); G. Ke and others, "LightGBM"
(2017). Learned on an inner split: the members are fitted on a part of the interactions, the trees learn which of
their candidates are in the rest, and the members are then fitted on all of it. What is judged is never seen by either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.ranking.splits import Split, global_time, random_per_user
from ml.recommend.fusion import ZScoreFusion, standardise
from ml.recommend.interactions import TIME, Codes, Interactions
from ml.recommend.recommender import BlockRecommender, Scores
from ml.recommend.top_items import Floats, top_items
from ml.recommend.tuning import Maker, Selection

#: Makes an inner split of the rows of ``Interactions.to_frame``.
InnerSplit = Callable[[Interactions], Split]
#: Fewer users with something to learn from than this, and the trees would learn by heart.
FEWEST_USERS = 50


def inner_random(share: float = 0.8, seed: int = 42) -> InnerSplit:
    """An inner split at random per user."""
    return partial(_at_random, share=share, seed=seed)


def inner_time(days: float) -> InnerSplit:
    """An inner split by time: the last ``days`` are what the trees learn to find. Needs interactions with times."""
    return partial(_by_time, days=days)


def _at_random(interactions: Interactions, *, share: float, seed: int) -> Split:
    return random_per_user(interactions.to_frame(), share=share, seed=seed)


def _by_time(interactions: Interactions, *, days: float) -> Split:
    rows = interactions.to_frame()
    if TIME not in rows.columns or not len(rows):
        raise NotEnoughData("interactions with times", f"more than {days:g} days", "none")
    return global_time(rows, rows[TIME].max() - pd.Timedelta(days, "D"))


class Reranker(BlockRecommender):
    """LambdaRank over the candidates of a fusion.

    Parameters
    ----------
    make : makes the members, unfitted, the same each time (a function that can be pickled, if the model is to be
        stored); a fusion of them (``weights``) names the candidates.
    inner : makes the inner split.
    candidates : how many items of the fusion's list are looked at again.
    blend : the part of the trees' order in the result, the rest being the fusion's own; both standardised over the
        user's candidates. The trees alone (1) are noisier where there is little to learn from.
    trees, leaves, learning_rate, least_in_leaf, seeds : of LightGBM; the scores of ``seeds`` models are averaged.

    Raises ``NotEnoughData`` at ``fit`` under :data:`FEWEST_USERS` users to learn from.
    """

    def __init__(
        self,
        make: Callable[[], Sequence[BlockRecommender]],
        weights: Sequence[float] | None = None,
        *,
        inner: InnerSplit | None = None,
        candidates: int = 50,
        blend: float = 0.3,
        trees: int = 100,
        leaves: int = 7,
        learning_rate: float = 0.05,
        least_in_leaf: int = 200,
        seeds: int = 1,
        random_state: int = 42,
    ) -> None:
        if candidates < 1 or not 0 <= blend <= 1:
            raise ValueError(f"candidates, blend: expected >= 1 and from 0 to 1, got {candidates} and {blend}")
        self.make = make
        self.weights = weights
        self.inner = inner or inner_random()
        self.candidates = candidates
        self.blend = blend
        self.trees = trees
        self.leaves = leaves
        self.learning_rate = learning_rate
        self.least_in_leaf = least_in_leaf
        self.seeds = seeds
        self.random_state = random_state

    @property
    def name(self) -> str:
        """``reranked``."""
        return "reranked"

    def fusion(self) -> ZScoreFusion:
        """The fusion that it looks at again, unfitted."""
        return ZScoreFusion(self.make(), self.weights)

    def _learn(self, interactions: Interactions) -> None:
        split = self.inner(interactions)
        # the same users and items, so that what is new in the held-out part has a column
        part = Interactions.from_frame(split.train, users=interactions.users, items=interactions.items)
        fusion = self.fusion().fit(part)
        held = Interactions.from_frame(split.test, users=interactions.users, items=interactions.items).binary
        rows = np.flatnonzero((np.diff(held.indptr) > 0) & (np.diff(part.matrix.indptr) > 0))
        features, labels, sizes = [], [], []
        for block in self.blocks(rows):
            found = self._candidates(fusion, block)
            label = np.asarray(held[block[found.row], found.column]).ravel() > 0
            # a list without a hit teaches no order
            useful = np.bincount(found.row, weights=label, minlength=len(block)) > 0
            keep = useful[found.row]
            features.append(found.features[keep])
            labels.append(label[keep])
            sizes.append(np.bincount(found.row, minlength=len(block))[useful])
        n_users = int(sum(len(size) for size in sizes))
        if n_users < FEWEST_USERS:
            raise NotEnoughData(
                "users with a held-out item among their candidates", f"at least {FEWEST_USERS}", str(n_users)
            )
        table, target, group = np.concatenate(features), np.concatenate(labels), np.concatenate(sizes)
        self.rankers_ = [self._ranker(seed).fit(table, target.astype(int), group=group) for seed in range(self.seeds)]
        self.fusion_ = self.fusion().fit(interactions)

    def _ranker(self, seed: int) -> Any:
        # here, as it comes with the extra `rerank` only
        from lightgbm import LGBMRanker

        return LGBMRanker(
            objective="lambdarank",
            n_estimators=self.trees,
            num_leaves=self.leaves,
            learning_rate=self.learning_rate,
            min_child_samples=self.least_in_leaf,
            subsample=0.7,
            subsample_freq=1,
            colsample_bytree=0.7,
            reg_lambda=1.0,
            n_jobs=1,
            deterministic=True,
            force_row_wise=True,
            random_state=self.random_state + seed,
            verbosity=-1,
        )

    def open_scores(self, rows: Codes, filter_seen: bool = True) -> Scores:
        """Dense; -inf for what is not a candidate."""
        found = self._candidates(self.fusion_, rows, filter_seen)
        scores = np.full((len(rows), len(self.interactions_.items)), -np.inf)
        if not len(found.row):
            return scores
        learned = np.mean([ranker.booster_.predict(found.features) for ranker in self.rankers_], axis=0)
        both = []
        for values in (learned, found.fused):
            table = np.full(scores.shape, -np.inf)
            table[found.row, found.column] = values
            both.append(standardise(table)[found.row, found.column])
        scores[found.row, found.column] = self.blend * both[0] + (1 - self.blend) * both[1]
        return scores

    def scores(self, rows: Codes) -> Scores:
        """With seen items open."""
        return self.open_scores(rows, filter_seen=False)

    def item_scores(self, columns: Codes) -> Scores:
        """As the fusion's."""
        return self.fusion_.item_scores(columns)

    def stranger_scores(self) -> Floats | None:
        """As the fusion's."""
        return self.fusion_.stranger_scores()

    def _candidates(self, fusion: ZScoreFusion, rows: Codes, filter_seen: bool = True) -> _Candidates:
        """The fusion's best of each row with their features: every member's standardised score and place, the
        fusion's, how many users know the item and how many items the user has."""
        data = fusion.interactions_
        fused = fusion.open_scores(rows, filter_seen)
        found = top_items(fused, self.candidates)
        at = (found.row, found.column)
        columns: list[npt.NDArray[Any]] = [found.score, found.rank.astype(float)]
        for member in fusion.members:
            scores = member.dense_scores(rows, filter_seen)
            columns.append(standardise(scores)[at])
            columns.append(_places(scores)[at])
        known = np.asarray(data.binary.sum(axis=0)).ravel().astype(float)
        # as shares, so that what was learned on a part of the data holds on all of it
        columns.append(known[found.column] / max(known.max(initial=0.0), 1.0))
        degree = np.diff(data.matrix.indptr).astype(float)
        columns.append(degree[rows][found.row] / max(degree.mean(), 1.0) if len(degree) else found.score)
        return _Candidates(found.row, found.column, found.score, np.column_stack(columns))


#: Families of models that see what the fusion's members may not: they add features, not weight.
SECOND_OPINIONS = ("popular", "rp3beta", "user_knn", "item_knn_tfidf", "ease l2=250 power=0.15")


def rerank_selection(
    selection: Selection,
    candidates: Mapping[str, Maker],
    *,
    opinions: Sequence[str] = SECOND_OPINIONS,
    inner: InnerSplit | None = None,
    blend: float = 0.3,
    random_state: int = 42,
) -> Reranker:
    """The fusion that was chosen, looked at again with the scores of ``opinions`` beside those of its members.

    ``opinions`` are names of ``candidates``, or their beginnings; those that are not there are left out.
    """
    more = [name for name in candidates if name.startswith(tuple(opinions)) and name not in selection.taken]
    names = [*selection.taken, *more]
    weights = [float(selection.taken.get(name, 0)) for name in names]
    make = partial(_make_all, [candidates[name] for name in names])
    return Reranker(make, weights, inner=inner, blend=blend, random_state=random_state)


def _make_all(makers: Sequence[Maker]) -> list[BlockRecommender]:
    return [make() for make in makers]


class _Candidates:
    """Parallel arrays of candidates: place of the user, column of the item, fused score, features ``(n, f)``."""

    def __init__(
        self, row: Codes, column: Codes, fused: npt.NDArray[np.float64], features: npt.NDArray[np.float64]
    ) -> None:
        self.row = row
        self.column = column
        self.fused = fused
        self.features = features


def _places(scores: Floats) -> npt.NDArray[np.float64]:
    """Logarithm of each item's place in its row, the best being 0."""
    order = np.argsort(-scores, axis=1, kind="stable")
    places = np.empty(scores.shape)
    np.put_along_axis(
        places, order, np.log1p(np.arange(scores.shape[1], dtype=float))[None, :].repeat(len(scores), 0), 1
    )
    return places

"""The re-ranker: it learns an order that no fusion knows, repeats itself, and says when there is too little."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.ranking.metrics import gain, user_metrics
from ml.evaluation.ranking.splits import random_per_user
from ml.recommend.ease import EASE
from ml.recommend.fusion import ZScoreFusion
from ml.recommend.interactions import Interactions
from ml.recommend.item_knn import ItemKNN
from ml.recommend.popularity import Popularity
from ml.recommend.recommender import BlockRecommender
from ml.recommend.reranker import Reranker, inner_random, inner_time, rerank_selection
from ml.recommend.tuning import Selection
from tests.ml.recommend.made_up_log import taste_log

pytest.importorskip("lightgbm", reason="lightgbm is not installed (extra rerank)")

LOG = taste_log(n_users=400, n_items=80, per_user=16, seed=9).drop_duplicates(["user", "item"], ignore_index=True)
SPLIT = random_per_user(LOG, seed=3)
DATA = Interactions.from_frame(SPLIT.train)


class Noise(BlockRecommender):
    """A member that knows nothing, as loud as the others."""

    def _learn(self, interactions: Interactions) -> None:
        self.noise_ = np.random.default_rng(0).random(interactions.shape)

    def scores(self, rows):
        return self.noise_[rows]


def members() -> list[BlockRecommender]:
    return [Noise(), EASE(20), ItemKNN("cosine"), Popularity()]


def reranker(**more) -> Reranker:
    return Reranker(members, candidates=40, trees=40, leaves=7, least_in_leaf=20, **more)


def test_it_learns_which_member_to_trust():
    fused = ZScoreFusion(members()).fit(DATA).recommend(DATA.users, 10)
    model = reranker(blend=1.0).fit(DATA)
    found = model.recommend(DATA.users, 10)
    better = gain(user_metrics(found, SPLIT.test, k=10), user_metrics(fused, SPLIT.test, k=10))
    assert better.low > 0.02
    seen = SPLIT.train.merge(found, on=["user", "item"])
    assert seen.empty


def test_it_repeats_itself_and_without_a_say_it_is_the_fusion():
    first, again = (reranker().fit(DATA).recommend(DATA.users[:50], 5) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    fused = ZScoreFusion(members()).fit(DATA).recommend(DATA.users[:50], 5)
    silent = reranker(blend=0.0).fit(DATA).recommend(DATA.users[:50], 5)
    assert list(silent["item"]) == list(fused["item"])


def test_only_candidates_are_listed_and_strangers_get_the_popular():
    model = reranker().fit(DATA)
    found = model.recommend(["u000", "stranger"], 1000)
    sizes = found.groupby("user").size()
    assert sizes["u000"] == 40
    popular = Popularity().fit(DATA).recommend(["stranger"], 1000)
    assert list(found.loc[found["user"] == "stranger", "item"]) == list(popular["item"])
    assert len(model.similar(["i000"], 3)) == 3


def test_it_may_learn_from_the_last_days():
    model = reranker(inner=inner_time(20)).fit(DATA)
    assert len(model.recommend(DATA.users[:5], 3)) == 15
    with pytest.raises(NotEnoughData, match="times"):
        reranker(inner=inner_time(20)).fit(Interactions.from_frame(SPLIT.train.drop(columns="time")))


def test_a_chosen_fusion_is_looked_at_again_with_second_opinions():
    candidates = {"ease": lambda: EASE(20), "cosine": ItemKNN, "popular": Popularity}
    model = rerank_selection(Selection({"ease": 0.3}, {"ease": 2}, (0.3,)), candidates, opinions=["pop", "absent"])
    assert [member.name for member in model.make()] == ["ease", "popular"]
    assert model.weights == [2.0, 0.0]
    found = model.fit(DATA).recommend(DATA.users[:4], 3)
    assert len(found) == 12


def test_a_stored_model_says_the_same():
    model = reranker().fit(DATA)
    again = pickle.loads(pickle.dumps(model))
    pd.testing.assert_frame_equal(again.recommend(DATA.users[:9], 4), model.recommend(DATA.users[:9], 4))


def test_too_little_to_learn_from_is_said():
    few = SPLIT.train[SPLIT.train["user"] < "u020"]
    with pytest.raises(NotEnoughData, match="users with a held-out item"):
        reranker().fit(Interactions.from_frame(few))
    with pytest.raises(NotEnoughData):
        reranker().fit(Interactions.from_frame(LOG.iloc[:0]))
    with pytest.raises(ValueError, match="blend"):
        reranker(blend=2.0)


def test_inner_splits_hold_out_what_they_say():
    split = inner_random(0.8, 1)(DATA)
    assert len(split.train) == pytest.approx(0.8 * DATA.matrix.nnz, rel=0.05)
    cut = inner_time(20)(DATA)
    assert cut.train["time"].max() < cut.cut <= cut.test["time"].min()

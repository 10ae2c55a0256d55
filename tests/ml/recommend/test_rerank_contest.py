"""A second look at the fusion's lists: judged on the same users, off unless it gains, and served where it does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import ml.recommend.rerank_contest as rerank_contest
import ml.recommend.training as training
from ml.coded_rows import CodedRows
from ml.evaluation.intervals import Estimate
from ml.evaluation.ranking.splits import Split
from ml.evaluation.results import Subject
from ml.recommend.ease import EASE
from ml.recommend.interactions import Interactions
from ml.recommend.item_knn import ItemKNN
from ml.recommend.popularity import Popularity
from ml.recommend.rerank_contest import RERANKED, RerankChoice, judge_reranker
from ml.recommend.reranker import Reranker
from ml.recommend.serving import Recommendations
from ml.recommend.tuning import FUSION, Selection, inner_time_cuts, judged_ndcg, select_fusion
from ml.registry.record import ModelRecord
from tests.ml.recommend.made_up_log import taste_log
from tests.ml.recommend.planted_catalogue import AS_OF, SHOP, warehouse

MAKERS = {"popular": Popularity, "ease": lambda: EASE(30.0), "item_knn_tfidf": lambda: ItemKNN("tfidf")}
RECORD = ModelRecord("recommendations", SHOP, "m", AS_OF, AS_OF, AS_OF, 1, (), 1, 42, "", "champion", "made by hand")
SUBJECT = Subject("recommendations", SHOP, AS_OF, "m", 42, "v1")


def nobody_came_back(interactions: Interactions) -> Split:
    rows = interactions.to_frame()
    return Split("nobody", rows, rows.head(0))


@pytest.fixture(scope="module")
def cuts() -> list:
    return inner_time_cuts(taste_log(n_users=200, per_user=30), horizon=pd.Timedelta(7, "D"))


@pytest.fixture(scope="module")
def selection(cuts: list) -> Selection:
    return select_fusion(MAKERS, cuts)


def test_one_more_model_is_judged_as_those_of_the_contest(selection: Selection, cuts: list) -> None:
    for name in ("popular", "ease", "item_knn_tfidf"):
        again = np.concatenate([judged_ndcg(MAKERS[name](), cut) for cut in cuts])
        np.testing.assert_allclose(again, selection.per_user[name], atol=1e-6)
    fusion = np.concatenate([judged_ndcg(selection.fusion(MAKERS), cut) for cut in cuts])
    assert len(fusion) == len(selection.users)
    assert abs(fusion - selection.per_user[FUSION]).mean() < 0.01


def test_without_the_library_nothing_is_tried(
    monkeypatch: pytest.MonkeyPatch, selection: Selection, cuts: list
) -> None:
    monkeypatch.setattr(rerank_contest, "has_lightgbm", lambda: False)
    found = judge_reranker(selection, MAKERS, cuts, k=10, days=7, random_state=42)
    assert not found.wins and found.gain is None and "not installed" in found.reason and found.rows(SUBJECT) == []


def test_it_wins_only_by_a_gain_beyond_doubt(monkeypatch: pytest.MonkeyPatch, selection: Selection, cuts: list) -> None:
    monkeypatch.setattr(rerank_contest, "has_lightgbm", lambda: True)
    judged = selection.per_user[FUSION]
    size = len(judged) // len(cuts) + 1

    def found(values: np.ndarray) -> RerankChoice:
        parts = iter(np.array_split(values, range(size, len(values), size)))
        monkeypatch.setattr(rerank_contest, "judged_ndcg", lambda *_, **__: next(parts))
        return judge_reranker(selection, MAKERS, cuts[: len(range(0, len(values), size))], k=10, days=7, random_state=1)

    same = found(judged)
    assert not same.wins and same.gain is not None and same.gain.value == 0 and "nothing beyond doubt" in same.reason
    noise = found(judged + np.random.default_rng(1).normal(0, 0.3, len(judged)))
    assert not noise.wins
    better = found(judged + 0.02)
    assert better.wins and better.gain is not None and better.gain.value == pytest.approx(0.02)
    rows = {(row.subject.model, row.metric): row for row in better.rows(SUBJECT)}
    assert rows[RERANKED, "mean_ndcg_of_cuts"].figure == pytest.approx(judged.mean() + 0.02)
    assert isinstance(rows[RERANKED, "mean_ndcg_of_cuts_gain"].figure, Estimate)


def test_too_little_to_learn_from_is_a_reason(cuts: list) -> None:
    pytest.importorskip("lightgbm")
    few = [dataclasses.replace(cut, train=cut.train[cut.train["user"] < "u010"]) for cut in cuts[:1]]
    selection = select_fusion(MAKERS, few)
    found = judge_reranker(selection, MAKERS, few, k=10, days=7, random_state=42)
    assert not found.wins and "held-out item" in found.reason


def test_where_it_wins_it_serves_and_where_it_cannot_learn_the_fusion_does(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lightgbm")
    connection = warehouse()
    capability = Recommendations()
    data = capability.read(connection, SHOP)
    wins = RerankChoice(True, "it gains", Estimate(0.1, 0.05, 0.15, 100), 1.0, np.ones(3))
    monkeypatch.setattr(training, "judge_reranker", lambda *_, **__: wins)
    monkeypatch.setattr(
        training, "choose", lambda *_, **__: training.Verdict(FUSION, "the fusion is best", FUSION, {}, (FUSION,))
    )
    found = training.contest(data.history.rows(), champion=None, random_state=42)
    assert found.verdict.winner == RERANKED and RERANKED in found.reports
    model = training.fit_served(found, data.history.log.interactions, data.features)
    assert isinstance(model.chosen, Reranker) and not model.carried
    rows = capability.score(model, RECORD, data)["recommendations"]
    assert isinstance(rows, CodedRows)
    lists = rows.frame()
    assert RERANKED in set(lists["model"]) and lists["user_id"].nunique() == 240
    # nobody came back of late: there is nothing to learn a second look from
    model.chosen.inner = nobody_came_back
    again = capability.score(model, RECORD, data)["recommendations"]
    assert isinstance(again, CodedRows) and again.frame()["user_id"].nunique() == 240
    assert "fusion_zscore" in set(again.frame()["model"])

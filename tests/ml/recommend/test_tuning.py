"""Choosing a fusion on inner splits, back-tests, and the rows that come of them."""

from __future__ import annotations

import datetime as dt
import itertools

import pandas as pd
import pytest

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.ranking.metrics import user_metrics
from ml.evaluation.ranking.splits import Split, back_tests, random_per_item, random_per_user
from ml.evaluation.results import Subject, evaluation_frame
from ml.recommend import tuning
from ml.recommend.backtest import back_test, table
from ml.recommend.candidates import all_candidates, personal_candidates, popularity_candidates
from ml.recommend.ease import EASE
from ml.recommend.interactions import Interactions
from ml.recommend.item_knn import ItemKNN
from ml.recommend.popularity import Popularity
from ml.recommend.tuning import inner_time_cuts, select_fusion
from ml.recommend.user_knn import UserKNN
from tests.ml.recommend.made_up_log import taste_log

LOG = taste_log(n_users=150, per_user=18, seed=5).drop_duplicates(["user", "item"], ignore_index=True)
CANDIDATES = {"popular": Popularity, "ease": lambda: EASE(20), "cosine": ItemKNN, "user_knn": lambda: UserKNN(30)}
INNER = [random_per_user(LOG, share=0.8, seed=seed) for seed in (1, 2)]


def test_each_candidate_measures_what_its_lists_do():
    found = select_fusion(CANDIDATES, INNER, k=5)
    for name, make in CANDIDATES.items():
        values = []
        for split in INNER:
            data = Interactions.from_frame(split.train)
            relevant = split.test[split.test["user"].isin(data.users) & split.test["item"].isin(data.items)]
            lists = make().fit(data).recommend(data.users, 5)
            values.append(user_metrics(lists, relevant, k=5)["ndcg"].mean())
        assert found.alone[name] == pytest.approx(sum(values) / 2, abs=2e-3), name


def test_the_path_rises_and_ends_with_the_fusion_it_names():
    found = select_fusion(CANDIDATES, INNER, k=5, steps=6)
    assert found.path[0] == found.alone[found.best] == max(found.alone.values())
    assert all(later > earlier for earlier, later in itertools.pairwise(found.path))
    assert sum(found.taken.values()) == len(found.path)
    assert found.alone["popular"] < found.alone["ease"]
    assert "popular" not in found.taken
    fusion = found.fusion(CANDIDATES)
    values = []
    for split in INNER:
        data = Interactions.from_frame(split.train)
        lists = fusion.fit(data).recommend(data.users, 5)
        values.append(user_metrics(lists, split.test[split.test["item"].isin(data.items)], k=5)["ndcg"].mean())
    assert sum(values) / 2 == pytest.approx(found.path[-1], abs=2e-3)


def test_the_same_choice_again_and_on_a_sample_of_users(monkeypatch):
    first, again = (select_fusion(CANDIDATES, INNER, k=5) for _ in range(2))
    assert first == again
    monkeypatch.setattr(tuning, "MOST_CELLS", 60 * 40)
    sampled = select_fusion(CANDIDATES, INNER, k=5)
    assert sampled.alone != first.alone
    assert sampled.alone["popular"] < sampled.alone["ease"]


def test_nobody_to_judge_is_not_enough():
    split = Split("by hand", LOG, LOG.assign(user="stranger"))
    with pytest.raises(NotEnoughData, match="held-out"):
        select_fusion(CANDIDATES, [split])
    with pytest.raises(ValueError, match="candidate"):
        select_fusion({}, INNER)


def test_inner_cuts_judge_known_users_by_what_is_new_to_them():
    cuts = inner_time_cuts(LOG, horizon=pd.Timedelta(10, "D"), times=3)
    assert len(cuts) == 3
    for cut in cuts:
        assert cut.test["user"].isin(cut.train["user"]).all()
        assert cut.repeat_share() == 0.0
        assert cut.train["time"].max() < cut.cut
    # 100 days hold two cuts of 45 days, not three
    assert len(inner_time_cuts(LOG, horizon=pd.Timedelta(45, "D"), times=3)) == 2
    with pytest.raises(NotEnoughData, match="inner cuts"):
        inner_time_cuts(LOG, horizon=pd.Timedelta(101, "D"))
    with pytest.raises(NotEnoughData, match="inner cuts"):
        inner_time_cuts(LOG.drop_duplicates("user"), horizon=pd.Timedelta(10, "D"))


def test_candidates_follow_the_size_and_what_is_known():
    data = Interactions.from_frame(LOG)
    names = set(personal_candidates(data))
    assert {name.split()[0] for name in names} >= {"ease", "user_ease", "als", "rp3beta", "user_knn", "edlae", "rlae"}
    small = {name.split()[0] for name in personal_candidates(data, cubic_up_to=100)}
    # 150 users are too many now, 60 items are not
    assert "ease" in small and "user_ease" not in small
    without_times = Interactions.from_frame(LOG.drop(columns="time"))
    assert set(popularity_candidates(without_times)) == {"popular"}
    assert set(popularity_candidates(data)) > {"popular", "popular_14_days"}
    assert set(all_candidates(data)) == set(popularity_candidates(data)) | names
    for name, make in all_candidates(data).items():
        assert not make().fit(data).recommend(["u000"], 3).empty, name


def test_a_back_test_judges_strangers_too_and_reports_rows():
    splits = back_tests(LOG, horizon=pd.Timedelta(20, "D"), times=2)
    last = splits[-1]
    stranger = last.test.iloc[[0]].assign(user="stranger")
    stranger.index = [10**6]
    split = Split(last.name, last.train, pd.concat([last.test, stranger]), last.cut).new_to_user()
    reports = back_test({"popular": Popularity, "cosine": ItemKNN}, split, k=5)
    shown = table(reports)
    assert shown.index[0] == "cosine"
    assert shown.loc["popular", "served"] == 1.0 > shown.loc["cosine", "served"]
    assert reports["cosine"].per_user.loc["stranger", "recall"] == 0.0
    assert (shown["seconds"] > 0).all()
    rows = [
        row
        for model, report in reports.items()
        for row in report.rows(Subject("recommend", "shop", dt.date(2024, 4, 1), model, 42, "v1"))
    ]
    frame = evaluation_frame(rows).set_index(["model", "metric"])
    assert frame.loc[("cosine", "ndcg@5"), "value"] == pytest.approx(shown.loc["cosine", "ndcg"])
    assert frame.loc[("cosine", "ndcg@5"), "ci_low"] < frame.loc[("cosine", "ndcg@5"), "value"]
    assert {"coverage@5", "recall@5/newcomer", "ndcg@5/tail", "served", "cpu_seconds"} <= set(
        frame.loc["popular"].index
    )
    assert last.name in frame.loc[("popular", "ndcg@5"), "detail"]


def test_a_leak_stops_a_back_test():
    split = random_per_item(LOG)
    with pytest.raises(ValueError, match="both parts"):
        back_test({"popular": Popularity}, Split("bad", split.train, pd.concat([split.test, split.train.iloc[:1]])))

"""MovieLens 100k: the known answer of a published benchmark for split, measures and one model; then what is shipped.

The bar is the benchmark's own protocol (75 % of each film's ratings to learn from, every held-out rating relevant).
Random splits flatter models of the whole matrix, so the cuts in time stand beside them. Everything that is chosen is
chosen on inner splits of what may be learned from.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from ml.evaluation.ranking.metrics import gain, means, user_metrics
from ml.evaluation.ranking.report import judge
from ml.evaluation.ranking.splits import Split, back_tests, random_per_item
from ml.recommend.als import ALS
from ml.recommend.backtest import back_test, table
from ml.recommend.candidates import all_candidates, personal_candidates, popularity_candidates
from ml.recommend.choice import choose, chosen_model
from ml.recommend.ease import EASE, UserEASE
from ml.recommend.fusion import ZScoreFusion
from ml.recommend.interactions import ITEM, TIME, USER, WEIGHT, Interactions, event_weights
from ml.recommend.item_knn import ItemKNN
from ml.recommend.newcomer_choice import choose_for_newcomers
from ml.recommend.recommender import BlockRecommender
from ml.recommend.reranker import rerank_selection
from ml.recommend.tuning import Selection, inner_time_cuts, select_fusion
from tests.real.public_data import public_file

pytestmark = pytest.mark.real
SEEDS = (42, 43, 44, 45, 46)
N_ITEMS = 1682
MONTH = pd.Timedelta(30, "D")
RERANKS = find_spec("lightgbm") is not None


@pytest.fixture(scope="module")
def ratings() -> pd.DataFrame:
    rows = pd.read_csv(public_file("ml_100k/ml-100k.inter"), sep="\t", names=[USER, ITEM, WEIGHT, TIME], header=0)
    rows[TIME] = pd.to_datetime(rows[TIME], unit="s")
    return rows.astype({USER: str, ITEM: str, WEIGHT: float})


def inner(split: Split) -> list[Split]:
    """Inner splits like the outer one, a little less held out so that what is learned is as dense."""
    return [random_per_item(split.train, share=0.85, seed=seed) for seed in (1, 2, 3)]


def chosen(split: Split) -> tuple[Selection, ZScoreFusion]:
    candidates = personal_candidates(Interactions.from_frame(split.train))
    selection = select_fusion(candidates, inner(split))
    return selection, selection.fusion(candidates)


def ndcg_and_seconds(model: BlockRecommender, split: Split) -> tuple[float, float]:
    data = Interactions.from_frame(split.train)
    start = time.process_time()
    found = model.fit(data).recommend(data.users, 10)
    seconds = time.process_time() - start
    return float(user_metrics(found, split.test, k=10)["ndcg"].mean()), seconds


def test_the_known_answer_of_the_public_benchmark(ratings):
    """SAR: ratings that halve every 30 days, times Jaccard similarity. Split, model and four measures to 6 digits."""
    split = random_per_item(ratings, share=0.75, seed=42)
    assert (len(split.train), len(split.test)) == (75_066, 24_934)
    decay = event_weights(
        pd.Series("rate", index=split.train.index), split.train[TIME], weights={"rate": 1.0}, half_life_days=30
    )
    data = Interactions.from_frame(split.train.assign(**{WEIGHT: split.train[WEIGHT] * decay}))
    found = ItemKNN("jaccard", neighbours=None).fit(data).recommend(data.users, 10)
    report = judge(found, split, k=10, n_items=N_ITEMS)
    answer = {"map": 0.114038, "ndcg": 0.393819, "precision": 0.340615, "recall": 0.185377}
    assert {name: round(report.measures[name].value, 6) for name in answer} == answer
    assert report.served == 1.0


def test_a_fusion_of_three_beats_every_published_figure(ratings):
    """The quick version: three shipped models with middling settings of the shipped grid, one split."""
    split = random_per_item(ratings, seed=42)
    model = ZScoreFusion(
        [EASE(250, user_power=0.15), UserEASE(40, item_power=0.5), ALS(64, regularization=20, alpha=2)]
    )
    ndcg, seconds = ndcg_and_seconds(model, split)
    print(f"fusion of three: nDCG@10 {ndcg:.4f} in {seconds:.1f} CPU-s (SAR .394, LightGCN .420, BiVAE .475)")
    assert ndcg >= 0.490


@pytest.mark.long
def test_the_chosen_fusion_on_five_splits(ratings):
    values, reranked = [], []
    for seed in SEEDS:
        split = random_per_item(ratings, seed=seed)
        candidates = all_candidates(Interactions.from_frame(split.train))
        selection, model = chosen(split)
        members = [("fusion", model, values)]
        if RERANKS:
            members.append(("reranked", rerank_selection(selection, candidates), reranked))
        for title, made, found in members:
            ndcg, seconds = ndcg_and_seconds(made, split)
            print(f"seed {seed}: {title} nDCG@10 {ndcg:.4f} in {seconds:.1f} CPU-s")
            found.append(ndcg)
        print(f"  inner best {selection.best}, fusion of {selection.taken}")
    told = f"{np.mean(reranked):.4f}" if RERANKS else "not, lightgbm is not installed (extra rerank)"
    print(f"means of {len(SEEDS)} splits: {np.mean(values):.4f}, reranked {told}")
    assert values[0] >= 0.490
    assert np.mean(values) >= 0.487
    # the grid of candidates was drawn up with the first split's figures in sight; the others were not looked at
    assert np.mean(values[1:]) >= 0.487
    if RERANKS:
        # the aim with re-ranking
        assert reranked[0] >= 0.495
        assert np.mean(reranked) >= 0.492


@pytest.mark.long
def test_the_table_of_all_members(ratings):
    split = random_per_item(ratings, seed=42)
    candidates = all_candidates(Interactions.from_frame(split.train))
    reports = back_test(candidates, split, n_items=N_ITEMS)
    _, fusion = chosen(split)
    reports["fusion"] = back_test({"fusion": lambda: fusion}, split, n_items=N_ITEMS)["fusion"]
    shown = table(reports)
    columns = ["ndcg", "map", "precision", "recall", "coverage", "novelty", "diversity", "seconds"]
    print(shown[columns].round(4).to_string())
    assert shown.index[0] == "fusion"
    # the best single model is known afterwards only; the choice was made on inner splits
    best = next(name for name in shown.index if name != "fusion")
    over_best = gain(reports["fusion"].per_user, reports[best].per_user)
    print(f"fusion over {best}: {over_best.value:+.4f} [{over_best.low:+.4f}, {over_best.high:+.4f}]")
    assert over_best.value > 0
    assert gain(reports[best].per_user, reports["popular"].per_user).low > 0.2
    assert (shown["seconds"] < 30).all()


@pytest.mark.long
def test_cuts_in_time_turn_the_table_around(ratings):
    """Three back-tests of 30 days, asked for what is new to the user.

    First everyone: most of who comes in a month was not there before, and only popularity has anything for them. The
    router asks who is known of the contest's winner and strangers of what strangers chose, both as inner cuts tell.
    Then those who were there, with the contest's winner alone: it may not be below the best single model, which is
    known only afterwards, beyond its interval. A fusion taken without a contest is: it follows the luck of the ninety
    users that an inner month has.
    """
    everyone, known = [], []
    for split in back_tests(ratings, horizon=MONTH, times=3):
        data = Interactions.from_frame(split.train)
        candidates, baselines = all_candidates(data), popularity_candidates(data)
        selection = select_fusion(candidates, inner_time_cuts(split.train, horizon=MONTH, times=3))
        verdict = choose(selection, baselines)
        newcomers = choose_for_newcomers(split.train, baselines, horizon=MONTH)
        assert newcomers is not None
        print(f"{split.name}: {verdict.reason}; strangers {newcomers.winner}; fusion of {selection.taken}")
        makers = {
            **candidates,
            "fusion": partial(selection.fusion, candidates),
            "chosen": partial(chosen_model, selection, verdict, candidates),
        }
        known.append(back_test(makers, split.of_known_users().new_to_user(), n_items=N_ITEMS))
        everyone.append(back_test(makers, split.new_to_user(), n_items=N_ITEMS))
        strangers = ~everyone[-1]["chosen"].per_user.index.isin(set(split.train[USER]))
        routed = everyone[-1]["chosen"].per_user.copy()
        routed.loc[strangers] = everyone[-1][newcomers.winner].per_user.loc[strangers]
        everyone[-1]["router"] = replace(
            everyone[-1]["chosen"], per_user=routed, measures=means(routed), catalogue={}, seconds=None
        )
    columns = ["ndcg", "map", "precision", "recall", "coverage", "novelty", "served", "seconds"]
    for title, reports in (("everyone", everyone), ("known users", known)):
        shown = pd.concat([table(each)[columns] for each in reports]).groupby("model").mean()
        print(title, shown.sort_values("ndcg", ascending=False).round(4).to_string(), sep="\n")

    def pooled(reports: list, name: str) -> pd.DataFrame:
        return pd.concat([each[name].per_user for each in reports], keys=range(len(reports)))

    popular = set(popularity_candidates(Interactions.from_frame(ratings)))
    assert {"popular", "popular_14_days"} <= popular
    choices = {"fusion", "chosen", "router"}
    personal = set(everyone[0]) - popular - choices
    for name in personal:
        assert gain(pooled(everyone, "popular_14_days"), pooled(everyone, name)).low > 0, name
    assert gain(pooled(known, "popular_14_days"), pooled(known, "popular")).low > 0
    for reports, choice in ((everyone, "router"), (known, "chosen")):
        values = {name: pooled(reports, name)["ndcg"].mean() for name in reports[0] if name not in choices}
        best = max(values, key=lambda name: values[name])
        alone = means(pooled(reports, best), ["ndcg"])["ndcg"]
        print(f"{choice} {pooled(reports, choice)['ndcg'].mean():.4f}, best single member {best} {alone}")
        # the best of so many is partly the luckiest: the level is shared among the comparisons, as in the contest
        for level in (0.95, 1 - 0.05 / (len(values) - 1)):
            over_best = gain(pooled(reports, choice), pooled(reports, best), level=level, n_resamples=4000)
            shown = f"{over_best.value:+.4f} [{over_best.low:+.4f}, {over_best.high:+.4f}] at {level:.3f}"
            print(f"{choice} over {best}: {shown}")
        assert over_best.high >= 0
        if choice == "router":
            # no level needs to be shared here
            assert gain(pooled(reports, choice), pooled(reports, best), n_resamples=4000).high >= 0
        assert gain(pooled(reports, choice), pooled(reports, "popular")).low > 0

"""A wholesaler's last 30 days, foreseen from the days before: purchases of new products and of known ones apart.

What serves is chosen by the platform's own contests on cuts before the 30 days. Half of what known customers buy they
have bought before, and for those purchases the plain forms of "buy again" and popularity are what has to be beaten.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from functools import cache, partial

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.evaluation.intervals import Estimate
from ml.evaluation.ranking.metrics import gain, means, user_metrics
from ml.evaluation.ranking.report import RankingReport
from ml.evaluation.ranking.splits import Split
from ml.recommend.again.choose import AgainContest, Judged, judge, learning_frame, own_lists, schedule
from ml.recommend.again.choose import contest as again_contest
from ml.recommend.again.forms import FORMULAS, PLAIN, contenders
from ml.recommend.again.pairs import OUTCOME, load_purchases, pairs_at
from ml.recommend.backtest import back_test, table
from ml.recommend.candidates import all_candidates, popularity_candidates
from ml.recommend.choice import chosen_model
from ml.recommend.interactions import ITEM, RANK, USER, Interactions
from ml.recommend.read import faded, read_log, sampled_rows
from ml.recommend.training import TESTED_USERS, Contest, contest
from tests.properties.warehouse import Warehouse

pytestmark = pytest.mark.real

SHOP = "retail"
END = dt.date(2011, 12, 10)
DAYS, K = 30, 20
CUTS = tuple(END - dt.timedelta(days=DAYS * back) for back in (1, 2, 3))
CUT = CUTS[0]
POPULAR = ("popular", "popular_7_days", "popular_14_days", "popular_30_days")


@pytest.fixture(scope="module")
def shop(online_retail: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    with online_retail._open() as connection:
        yield connection


@pytest.fixture(scope="module")
def split(shop: duckdb.DuckDBPyConnection) -> Split:
    """Purchases before the cut as recommenders read them, and who bought what in the 30 days after it."""
    read_log(shop, SHOP, CUT, active_days=365)
    before = sampled_rows(shop, users=TESTED_USERS)
    after = shop.execute(
        "select user_id as user, item_id as item, last_event_ts as time from features.feat_user_item_days "
        "where shop_id = ? and purchases > 0 and event_date >= ? order by all",
        [SHOP, CUT],
    ).df()
    after.index += len(before)
    return Split(f"cut at {CUT}", before, after, pd.Timestamp(CUT)).of_known_users()


@pytest.fixture(scope="module")
def found(split: Split) -> Contest:
    return contest(split.train, champion=None, random_state=42)


@pytest.fixture(scope="module")
def reports(found: Contest, split: Split) -> dict[str, RankingReport]:
    """What the contest of the days before chooses, and popularity, judged by new purchases."""
    popular = popularity_candidates(Interactions.from_frame(split.train))
    assert set(popular) == set(POPULAR)
    makers = {**popular, "chosen": partial(chosen_model, found.selection, found.verdict, found.makers)}
    return back_test(makers, faded(split.new_to_user()), k=K)


def told(name: str, figure: Estimate | None) -> str:
    assert figure is not None
    return f"{name} {figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})"


def test_the_split_is_half_new_and_half_again(split):
    assert (split.train[USER].nunique(), split.test[USER].nunique()) == (4086, 1376)
    assert split.new_to_user().test[USER].nunique() == 1272
    assert split.again_to_user().test[USER].nunique() == 1282
    assert split.repeat_share() == pytest.approx(0.478, abs=0.001)


@pytest.mark.long
def test_new_purchases_are_foreseen_better_than_by_popularity(found, reports):
    print(found.verdict.reason, found.selection.taken)
    for name in ("chosen", *POPULAR):
        print(told(f"{name} recall@20", reports[name].measures["recall"]))
    assert reports["chosen"].measures["recall"].value > 0.115
    for name in POPULAR:
        for metric in ("recall", "ndcg", "map", "precision"):
            over = gain(reports["chosen"].per_user, reports[name].per_user, metric)
            assert over.low > 0, (name, metric)
        over = gain(reports["chosen"].per_user, reports[name].per_user, "recall")
        print(told(f"chosen over {name}", over))
    assert gain(reports["chosen"].per_user, reports["popular_7_days"].per_user, "recall").low > 0.02


@pytest.mark.long
def test_of_new_purchases_buy_again_knows_only_what_it_is_filled_up_with(shop, split, reports):
    """Its own items are not new, so its recall is 0; filled up to twenty it is a shorter list of popularity."""
    bought = load_purchases(shop, SHOP, END, active_days=90)
    pairs = pairs_at(shop, CUT, horizon_days=DAYS)
    own = own_lists(pairs, FORMULAS["most_ordered_faded_180"](pairs), K)
    own = own.assign(**{USER: bought.users[own[USER]], ITEM: bought.items[own[ITEM]]})
    new = split.new_to_user()
    assert user_metrics(own, new.test, k=K)["recall"].max() == 0
    popular = popularity_candidates(Interactions.from_frame(split.train))["popular_7_days"]()
    users = sorted(set(new.test[USER]))
    filling = popular.fit(Interactions.from_frame(split.train)).recommend(users, K)
    filled = pd.concat([own[own[USER].isin(users)].assign(part=0), filling.assign(part=1)])
    filled = filled.sort_values([USER, "part", RANK], ignore_index=True)
    filled[RANK] = filled.groupby(USER).cumcount() + 1
    per_user = user_metrics(filled, new.test, k=K)
    print(told("buy again, filled up: recall@20", means(per_user, ["recall"])["recall"]))
    assert 0 < per_user["recall"].mean() < reports["popular_7_days"].per_user["recall"].mean()
    over = gain(reports["chosen"].per_user, per_user, "recall")
    print(told("chosen over buy again, filled up", over))
    assert over.low > 0.05


@pytest.mark.long
def test_the_table_of_new_purchases(split, found):
    makers = {
        **all_candidates(Interactions.from_frame(split.train)),
        "chosen": partial(chosen_model, found.selection, found.verdict, found.makers),
    }
    reports = back_test(makers, faded(split.new_to_user()), k=K)
    shown = table(reports, by="recall")
    columns = ["recall", "ndcg", "map", "precision", "coverage", "novelty", "seconds"]
    print(shown[columns].round(4).to_string())
    for name in shown.index:
        print(told(f"{name} recall@20", reports[name].measures["recall"]))
    # no single member is better, not even picked afterwards
    assert shown.index[0] == "chosen"
    assert gain(reports["chosen"].per_user, reports[shown.index[1]].per_user, "recall").low > 0


def foreseen(shop: duckdb.DuckDBPyConnection, cut: dt.date) -> tuple[AgainContest, dict[str, Judged]]:
    """What the contest of the days before chooses, and how every contender does in the 30 days after."""
    bought = load_purchases(shop, SHOP, cut, active_days=90)
    plan = schedule(bought.first, cut)
    assert plan.horizon_days == DAYS
    found = again_contest(partial(pairs_at, shop, horizon_days=DAYS), plan)
    # only now are the days after the cut read
    load_purchases(shop, SHOP, END, active_days=90)
    pairs = pairs_at(shop, cut, horizon_days=DAYS)
    learned = learning_frame([pairs_at(shop, at, horizon_days=DAYS) for at in plan.dates[:4]])
    base = float(learned[OUTCOME].mean())
    return found, {model.name: judge(model.fit(learned), pairs, base) for model in contenders()}


@pytest.fixture(scope="module")
def again(shop: duckdb.DuckDBPyConnection) -> Callable[[dt.date], tuple[AgainContest, dict[str, Judged]]]:
    """What was :func:`foreseen` at a cut, worked out once."""
    return cache(partial(foreseen, shop))


def mean_of_dates(found: AgainContest, name: str) -> float:
    return float(np.concatenate([one.per_user["ndcg"] for one in found.results[name]]).mean())


def test_repeat_purchases_are_foreseen_better_than_by_buy_again_and_popularity(again, split):
    found, results = again(CUT)
    chosen = results[found.verdict.winner].shown
    assert found.verdict.winner not in PLAIN
    assert len(chosen) == 1282
    popular = back_test(
        popularity_candidates(Interactions.from_frame(split.train)), split.again_to_user(), k=K, filter_seen=False
    )
    print(f"{found.verdict.reason}; best plain form of the dates before:", best_plain(found))
    shown = pd.DataFrame({name: one.shown.mean() for name, one in results.items()}).T
    print(shown[["recall", "ndcg", "map", "precision"]].round(4).to_string())
    for name, one in results.items():
        print(told(f"{name} recall@20", means(one.shown, ["recall"])["recall"]))
    for name in PLAIN:
        for metric in ("recall", "ndcg", "map", "precision"):
            assert gain(chosen, results[name].shown, metric).low > 0, (name, metric)
        print(told(f"chosen over {name}", gain(chosen, results[name].shown, "recall")))
    for name in POPULAR:
        print(told(f"{name} among all products recall@20", popular[name].measures["recall"]))
        over = chosen["recall"].mean() - popular[name].per_user["recall"].mean()
        assert over > 0.3
    assert chosen["recall"].mean() > 0.62
    assert gain(chosen, results[best_plain(found)].shown, "recall").low > 0.015


def best_plain(found: AgainContest) -> str:
    return max(PLAIN, key=lambda name: mean_of_dates(found, name))


@pytest.mark.long
def test_so_they_are_on_each_of_three_cuts(again):
    """Another cut, another season: every plain form is behind each time by recall and by nDCG."""
    for cut in CUTS:
        found, results = again(cut)
        chosen = results[found.verdict.winner].shown
        assert found.verdict.winner not in PLAIN
        for metric in ("recall", "ndcg"):
            over = {name: gain(chosen, results[name].shown, metric) for name in PLAIN}
            nearest = min(over, key=lambda name: over[name].value)
            print(
                told(
                    f"{cut}: {found.verdict.winner} {metric}@20 {chosen[metric].mean():.4f} over {nearest}",
                    over[nearest],
                )
            )
            assert over[nearest].low > 0, (cut, metric)


@pytest.mark.long
def test_its_probabilities_are_about_right_and_say_more_than_the_base_rate(again):
    for cut in CUTS:
        found, results = again(cut)
        judged = results[found.verdict.winner]
        print(f"{cut}: expected {judged.expected:.4f}, happened {judged.happened:.4f}, log loss {judged.log_loss:.4f}")
        # Christmas is not in the dates before: more is bought than ever
        assert 0.8 < judged.expected / judged.happened < 1.25
        assert judged.log_loss < 0.9 * judged.base_loss

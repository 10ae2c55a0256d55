"""Buying again: what is counted, how lists are ordered, what the contest finds, and what is served."""

from __future__ import annotations

import datetime as dt
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.evaluation.enough import NotEnoughData
from ml.recommend.again import choose
from ml.recommend.again.choose import contest, own_lists, schedule
from ml.recommend.again.forms import (
    FORMULAS,
    IN_SEASON,
    PLAIN,
    Form,
    RepeatModel,
    contenders,
    pair_features,
    recent_buyers,
)
from ml.recommend.again.pairs import OUTCOME, active_pairs, active_users, load_purchases, pairs_at
from ml.recommend.again.serving import BUY_AGAIN_COLUMNS, BuyAgain, again_reasons
from ml.registry.store import ModelStore
from ml.serving.serve import Served, serve
from ml.serving.status import FRESH, NOT_ENOUGH_DATA
from ml.serving.write import write_served
from tests.ml.recommend.habit_log import AS_OF, SHOP, WITHDRAWN, habit_log, warehouse_of

AT = dt.date(2026, 5, 1)


def days_before(at: dt.date, *days: int) -> list[dt.date]:
    return [at - dt.timedelta(days=day) for day in days]


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    return habit_log()


@pytest.fixture(scope="module")
def habits(log: pd.DataFrame) -> duckdb.DuckDBPyConnection:
    connection = warehouse_of(log)
    load_purchases(connection, SHOP, AS_OF, active_days=90)
    return connection


def small_log() -> pd.DataFrame:
    """A hundred days of eight users and six products at random, two orders with a product on some days."""
    generator = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "user_id": [f"u{number}" for number in generator.integers(0, 8, 400)],
            "item_id": [f"茶{number}" for number in generator.integers(0, 6, 400)],
            "event_date": [AT + dt.timedelta(days=int(day)) for day in generator.integers(-80, 20, 400)],
        }
    )
    return (
        frame.groupby(["user_id", "item_id", "event_date"], as_index=False).size().rename(columns={"size": "purchases"})
    )


def counted(log: pd.DataFrame, user: str, item: str) -> dict[str, float]:
    """The row of a pair by plain counting."""
    before = log[log["event_date"] < AT]
    since = lambda days: [(AT - day).days for day in days]  # noqa: E731
    own = before[(before["user_id"] == user) & (before["item_id"] == item)]
    users, items = before[before["user_id"] == user], before[before["item_id"] == item]
    mine, theirs, ages = since(own["event_date"]), since(users["event_date"]), since(items["event_date"])
    gaps = [np.diff(sorted(since(days))) for _, days in items.groupby("user_id")["event_date"]]
    later = log[(log["user_id"] == user) & (log["item_id"] == item) & (log["event_date"] >= AT)]
    return {
        "days_bought": len(mine),
        "orders": own["purchases"].sum(),
        "since": min(mine),
        "since_first": max(mine),
        "faded_30": sum(0.5 ** (day / 30) for day in mine),
        "faded_90": sum(0.5 ** (day / 90) for day in mine),
        "faded_180": sum(0.5 ** (day / 180) for day in mine),
        "user_days": users["event_date"].nunique(),
        "user_items": users["item_id"].nunique(),
        "user_since": min(theirs),
        "user_age": max(theirs),
        "item_days": len(ages),
        "item_week": sum(day <= 7 for day in ages),
        "item_month": sum(day <= 30 for day in ages),
        "item_month_before": sum(30 < day <= 60 for day in ages),
        "item_since": min(ages),
        "item_age": max(ages),
        "item_repeats": sum(len(gap) for gap in gaps),
        "item_gap": np.concatenate(gaps).mean(),
        OUTCOME: (since(later["event_date"]) and max(since(later["event_date"])) > -10) or False,
    }


def test_pairs_are_those_of_a_plain_count() -> None:
    log = small_log()
    connection = warehouse_of(log, threads=2)
    bought = load_purchases(connection, SHOP, AS_OF, active_days=90)
    pairs = pairs_at(connection, AT, horizon_days=10)
    assert len(pairs) == len(log[log["event_date"] < AT].drop_duplicates(["user_id", "item_id"]))
    for row in pairs.to_dict("records"):
        expected = counted(log, bought.users[row["user_no"]], bought.items[row["item_no"]])
        assert {name: row[name] for name in expected} == pytest.approx(expected, abs=1e-5)
    assert 0 < pairs[OUTCOME].sum() < len(pairs)


def test_what_comes_after_the_date_changes_outcomes_only(log: pd.DataFrame) -> None:
    """The same users and products, nothing bought from the date on."""
    known = log["event_date"] < AT
    whole, cut = warehouse_of(log), warehouse_of(log[known])
    frames = []
    for connection in (whole, cut):
        bought = load_purchases(connection, SHOP, AS_OF, active_days=90)
        pairs = pairs_at(connection, AT, horizon_days=30)
        frames.append(
            pairs.assign(user=bought.users[pairs["user_no"]], item=bought.items[pairs["item_no"]])
            .drop(columns=["user_no", "item_no", OUTCOME])
            .sort_values(["user", "item"], ignore_index=True)
        )
    pd.testing.assert_frame_equal(*frames)
    assert not pairs[OUTCOME].any()


def test_the_order_of_rows_and_threads_changes_nothing(log: pd.DataFrame, habits: duckdb.DuckDBPyConnection) -> None:
    shuffled = warehouse_of(log.sample(frac=1, random_state=1), threads=2)
    load_purchases(shuffled, SHOP, AS_OF, active_days=90)
    pd.testing.assert_frame_equal(
        pairs_at(habits, AT, horizon_days=30), pairs_at(shuffled, AT, horizon_days=30), check_exact=True
    )


def test_a_sample_of_users_is_whole_users(habits: duckdb.DuckDBPyConnection) -> None:
    everyone = pairs_at(habits, AT, horizon_days=30)
    some = pairs_at(habits, AT, horizon_days=30, users=40)
    assert some["user_no"].nunique() == 40
    # what is said of products is said of all users all the same
    theirs = everyone[everyone["user_no"].isin(some["user_no"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(some, theirs)


def test_everyone_active_is_scored_in_parts_as_at_once(log: pd.DataFrame) -> None:
    gone = log[(log["user_id"] != "customer:007") | (log["event_date"] < AS_OF - dt.timedelta(days=90))]
    connection = warehouse_of(gone)
    bought = load_purchases(connection, SHOP, AS_OF, active_days=90)
    assert bought.n_active == 249 and len(active_users(connection, AS_OF)) == 249
    whole = next(active_pairs(connection, AS_OF))
    parts = list(active_pairs(connection, AS_OF, size=17))
    assert len(parts) == 15
    pd.testing.assert_frame_equal(whole, pd.concat(parts, ignore_index=True))
    assert "customer:007" not in set(bought.users[whole["user_no"]])


def pair(**told: float) -> dict[str, float]:
    usual = {"user_no": 0, "days_bought": 1, "since": 10, "item_days": 5, "item_month": 2, "item_week": 1}
    return {**usual, "faded_30": 0.1, "faded_90": 0.2, "faded_180": 0.3, **told}


@pytest.mark.parametrize(
    ("form", "better", "worse"),
    [
        ("most_ordered", {"days_bought": 3, "since": 90}, {"days_bought": 2, "since": 1}),
        ("most_ordered", {"since": 9}, {"since": 10}),
        ("last_bought", {"since": 9}, {"since": 10, "days_bought": 99}),
        ("last_bought", {"days_bought": 2}, {"days_bought": 1}),
        ("most_ordered_faded_90", {"faded_90": 0.3}, {"days_bought": 9}),
        ("own_popular", {"item_days": 6}, {"days_bought": 9}),
        ("own_popular_30_days", {"days_bought": 2}, {"days_bought": 1}),
        (IN_SEASON, {"item_month": 8, "item_week": 2}, {"item_month": 2, "item_week": 2}),
        (IN_SEASON, {"faded_180": 0.4}, {"faded_180": 0.3}),
    ],
)
def test_forms_order_as_they_say(form: str, better: dict[str, float], worse: dict[str, float]) -> None:
    scores = FORMULAS[form](pd.DataFrame([pair(**worse), pair(**better)]))
    assert scores[1] > scores[0] > 0


def test_lists_are_ranked_by_user_with_ties_by_item() -> None:
    pairs = pd.DataFrame({"user_no": [0, 0, 0, 1, 2], "item_no": [3, 4, 5, 3, 9]})
    lists = own_lists(pairs, np.array([1.0, 2.0, 1.0, 5.0, 0.0]), 2)
    assert lists[["user", "item", "rank", "place"]].to_numpy().tolist() == [
        [0, 4, 1, 1],
        [0, 3, 2, 0],
        [1, 3, 1, 3],
        [2, 9, 1, 4],
    ]


def test_probabilities_are_of_those_whom_lists_are_for() -> None:
    """Half the buyers left: who is still there buys again every other time, and is told so."""
    rows = [pair(days_bought=2, user_since=5 if number % 2 else 300) for number in range(400)]
    pairs = pd.DataFrame(rows).assign(bought_again=[number % 4 == 1 for number in range(400)])
    model = Form("most_ordered").fit(pairs)
    assert model.probabilities(pairs) == pytest.approx(0.5)
    gone = pairs[pairs["user_since"] > 100]
    assert recent_buyers(pairs)["user_since"].max() == 5 and recent_buyers(gone).equals(gone)


def test_probabilities_follow_the_scores(habits: duckdb.DuckDBPyConnection) -> None:
    pairs = pairs_at(habits, AT, horizon_days=30)
    for model in contenders():
        fitted = model.fit(pairs)
        scores, chance = fitted.scores(pairs), fitted.probabilities(pairs)
        assert ((chance > 0) & (chance < 1)).all()
        assert (np.diff(chance[np.argsort(scores, kind="stable")]) >= -1e-12).all()
        assert chance.mean() == pytest.approx(pairs[OUTCOME].mean(), abs=0.01)
    with pytest.raises(NotEnoughData, match="found 0"):
        Form(PLAIN[0]).fit(pairs.assign(**{OUTCOME: False}))
    assert np.isfinite(pair_features(pairs).to_numpy()).all()


@pytest.mark.parametrize(
    ("days", "horizon", "dates", "judged"),
    [(373, 30, 7, 3), (90, 30, 2, 1), (89, 14, 5, 3), (42, 14, 2, 1), (21, 7, 2, 1)],
)
def test_the_horizon_is_the_longest_that_the_history_allows(days: int, horizon: int, dates: int, judged: int) -> None:
    plan = schedule(AS_OF - dt.timedelta(days=days), AS_OF)
    assert (plan.horizon_days, len(plan.dates), plan.judged) == (horizon, dates, judged)
    assert list(plan.dates) == days_before(AS_OF, *(horizon * (place + 1) for place in range(dates)))
    assert (plan.dates[-1] - (AS_OF - dt.timedelta(days=days))).days >= horizon


def test_three_weeks_are_the_least() -> None:
    with pytest.raises(NotEnoughData, match="days of purchases: needed 21, found 20"):
        schedule(AS_OF - dt.timedelta(days=20), AS_OF)


def test_nothing_is_learned_from_an_outcome_that_was_not_over(
    habits: duckdb.DuckDBPyConnection, log: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = schedule(min(log["event_date"]), AS_OF)
    learned: list[list[dt.date]] = []
    frames = {at: pairs_at(habits, at, horizon_days=plan.horizon_days).assign(at=at) for at in plan.dates}

    def spy(parts: list[pd.DataFrame]) -> pd.DataFrame:
        learned.append([part["at"].iloc[0] for part in parts])
        return pd.concat(parts, ignore_index=True)

    monkeypatch.setattr(choose, "learning_frame", spy)
    found = contest(frames.__getitem__, plan)
    assert len(learned) == plan.judged == 3
    for at, dates in zip(plan.dates, learned, strict=False):
        assert dates and all(date + dt.timedelta(days=plan.horizon_days) <= at for date in dates)
    assert {len(judged) for judged in found.results.values()} == {3}


def test_season_and_habit_are_found_and_beat_the_plain_forms(
    habits: duckdb.DuckDBPyConnection, log: pd.DataFrame
) -> None:
    plan = schedule(min(log["event_date"]), AS_OF)
    found = contest(partial(pairs_at, habits, horizon_days=plan.horizon_days), plan)
    assert found.verdict.winner not in PLAIN
    # by the stricter level that many comparisons ask for
    assert all(found.verdict.gains[name].low > 0.005 for name in PLAIN)
    newest = found.results[found.verdict.winner][0]
    assert newest.per_user["ndcg"].mean() > 0.95
    assert newest.log_loss < 0.8 * newest.base_loss
    # what serves is kept for as long as nothing is beyond doubt better
    assert contest(partial(pairs_at, habits, horizon_days=30), plan, champion=found.verdict.winner).verdict.winner == (
        found.verdict.winner
    )


@pytest.fixture(scope="module")
def served(habits: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Served:
    store = ModelStore(tmp_path_factory.mktemp("models"))
    found = serve(BuyAgain(), store, habits, SHOP)
    write_served(habits, BuyAgain(), [found])
    # the day's model is read back from its file
    again = serve(BuyAgain(), store, habits, SHOP)
    assert again.notes == ()
    pd.testing.assert_frame_equal(again.tables["buy_again"], found.tables["buy_again"])
    return found


def test_lists_are_of_own_products_that_are_on_sale(
    served: Served, habits: duckdb.DuckDBPyConnection, log: pd.DataFrame
) -> None:
    assert served.status.status == FRESH and served.record is not None
    lists = served.tables["buy_again"]
    assert list(lists.columns) == list(BUY_AGAIN_COLUMNS)
    assert lists["user_id"].nunique() == 250
    own = set(zip(log["user_id"], log["item_id"], strict=True))
    assert set(zip(lists["user_id"], lists["item_id"], strict=True)) <= own
    assert WITHDRAWN in set(log["item_id"]) and WITHDRAWN not in set(lists["item_id"])
    ranks = lists.groupby("user_id")["rank"]
    assert (ranks.min() == 1).all() and (ranks.max() == ranks.size()).all()
    assert (lists.groupby("user_id")["purchase_probability"].diff().dropna() <= 1e-9).all()
    # what is drunk comes before what is sat on, and woollens have had their day
    top = lists[lists["rank"] <= 2]["item_id"].str.split(" ").str[0].value_counts()
    assert top["coffee"] > 0.95 * top.sum()
    chance = lists.groupby(lists["item_id"].str.split(" ").str[0])["purchase_probability"].mean()
    assert chance["sofa"] < 0.05 and lists[lists["rank"] == 1]["purchase_probability"].mean() > 0.8
    written = habits.execute(
        "SELECT orders, last_bought, reason, reason_zh FROM ml.buy_again WHERE rank = 1 ORDER BY user_id LIMIT 1"
    ).fetchone()
    first = lists[lists["rank"] == 1].sort_values("user_id").iloc[0]
    days = log[(log["user_id"] == first["user_id"]) & (log["item_id"] == first["item_id"])]["event_date"]
    ago = (AS_OF - max(days)).days
    assert written == (
        len(days),
        max(days),
        f"Bought {len(days)} times, last {ago} {'day' if ago == 1 else 'days'} ago",
        f"买过{len(days)}次，上次在{ago}天前",
    )


def test_what_is_bought_once_is_not_offered_again(
    served: Served, habits: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    once = serve(BuyAgain(bought_once={SHOP: ["coffee"]}), ModelStore(tmp_path), habits, SHOP)
    assert served.status.status == FRESH
    kinds = [set(one.tables["buy_again"]["item_id"].str.split(" ").str[0]) for one in (served, once)]
    assert kinds == [{"coffee", "sofa", "wool"}, {"sofa", "wool"}]


def test_reasons_count() -> None:
    english, chinese = again_reasons(np.array([1, 4, 1]), np.array([31, 1, 1]))
    assert english.tolist() == ["Bought once, 31 days ago", "Bought 4 times, last 1 day ago", "Bought once, 1 day ago"]
    assert chinese.tolist() == ["31天前买过", "买过4次，上次在1天前", "1天前买过"]


def test_the_evaluation_has_every_form_with_intervals(served: Served) -> None:
    figures = served.evaluation
    assert set(figures["model"]) == {*PLAIN, IN_SEASON, RepeatModel.name}
    recall = figures[figures["metric"] == "recall@20"]
    assert (recall["ci_low"] <= recall["value"]).all() and (recall["value"] <= recall["ci_high"]).all()
    happened = figures[figures["metric"] == "happened_share"]["value"]
    assert (happened == happened.iloc[0]).all() and 0 < happened.iloc[0] < 1


def test_faults_are_told(served: Served) -> None:
    record = served.record
    assert record is not None
    lists = served.tables["buy_again"]
    assert BuyAgain().fault({"buy_again": lists}, record) is None
    assert BuyAgain().fault({"buy_again": lists.iloc[:0]}, record) == "no user got a list"
    spoilt = lists.assign(purchase_probability=100 * lists["purchase_probability"])
    assert "are no probability" in str(BuyAgain().fault({"buy_again": spoilt}, record))
    assert BuyAgain().fault({"buy_again": pd.concat([lists, lists.iloc[:3]])}, record) == "3 items are in a list twice"


@pytest.mark.parametrize("kept", ["no purchases", "nothing twice", "nobody lately", "one day"])
def test_too_little_is_an_answer(log: pd.DataFrame, kept: str, tmp_path: Path) -> None:
    said = {
        "no purchases": (log.assign(purchases=0), "purchases of known products"),
        "nothing twice": (log.drop_duplicates(["user_id", "item_id"]), "bought again"),
        "nobody lately": (log[log["event_date"] < AS_OF - dt.timedelta(days=90)], "buyers who were there"),
        "one day": (log[log["event_date"] == AS_OF - dt.timedelta(days=1)], "days of purchases"),
    }
    rows, reason = said[kept]
    served = serve(BuyAgain(), ModelStore(tmp_path), warehouse_of(rows), SHOP)
    assert served.status.status == NOT_ENOUGH_DATA
    assert reason in served.status.reason

"""Dates to learn from, and horizons: from the shop's own history, and none that knows its future."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pytest

from ml.churn.horizon import Horizon, choose_horizon, returned_within, shop_horizon, within_history
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.leakage import changed_features, too_good_features
from ml.outcomes.history import MOST_ORIGINS, Span, origin_dates, read_customers, read_origin, shop_span
from tests.ml.planted_shop import planted_days, planted_warehouse

DAY = dt.date(2024, 1, 1)


@pytest.mark.parametrize("horizon", [7, 30, 60, 90, 120, 180])
@pytest.mark.parametrize("length", [20, 60, 200, 400, 900])
def test_every_dates_outcome_is_known_and_dates_step_back_from_the_newest(horizon: int, length: int) -> None:
    span = Span(DAY, DAY + dt.timedelta(days=length))
    dates = origin_dates(span, horizon)
    if length < horizon + 7:
        assert dates == []
        return
    assert dates[-1] + dt.timedelta(days=horizon) == span.known_until
    assert dates[0] >= DAY + dt.timedelta(days=7)
    assert len(dates) <= MOST_ORIGINS
    steps = {(late - early).days for early, late in itertools.pairwise(dates)}
    assert len(steps) <= 1
    if length >= 400 + horizon:
        # where one outcome ends, another test may begin
        assert steps == {28 if horizon == 7 else 30}


def test_a_horizon_is_where_most_of_those_who_come_back_have() -> None:
    # 100 come back after 20 days and 100 after 50; 300 never do
    gaps = pd.DataFrame({"days": [20, 50, 400], "ended": [100, 100, 0], "censored": [0, 0, 300]})
    found = choose_horizon(gaps)
    assert found.days == 60
    assert "100% of those who buy again do so within 60 days" in found.reason
    assert list(returned_within(gaps, [19, 20, 49, 50, 500])) == pytest.approx([0, 0.2, 0.2, 0.4, 0.4])


def test_gaps_that_have_not_ended_yet_lengthen_the_horizon() -> None:
    # gaps are exponential of mean 60 days, so 80 % end within 97; half of them are cut off early
    generator = np.random.default_rng(1)
    gaps, watched = generator.exponential(60, 20_000), generator.uniform(0, 400, 20_000)
    ended = gaps <= watched
    days = np.ceil(np.minimum(gaps, watched)).astype(int)
    table = pd.DataFrame({"days": days, "ended": ended, "censored": ~ended}).groupby("days", as_index=False).sum()
    truth = 1 - np.exp(-np.array([30, 60, 90, 120]) / 60)
    assert returned_within(table, [30, 60, 90, 120]) == pytest.approx(truth, abs=0.02)
    assert choose_horizon(table).days == 120
    # were the ended ones all there is
    naive = table.assign(censored=0)
    assert choose_horizon(naive).days < 120


def shop_with_shares(within_30: int, within_60: int) -> pd.DataFrame:
    """Of 1,000 who come back so many do within 30 days and within 60, the others after 80."""
    ended = [within_30, within_60 - within_30, 1000 - within_60]
    return pd.DataFrame({"days": [20, 50, 80], "ended": ended, "censored": 0})


@pytest.mark.parametrize(
    ("within_30", "within_60", "serving", "kept"),
    [
        (500, 801, None, 60), (500, 799, None, 90), (500, 799, 60, 60), (500, 771, 60, 60), (500, 769, 60, 90),
        (500, 801, 90, 90), (500, 829, 90, 90), (500, 831, 90, 60), (500, 950, 180, 60), (790, 950, 30, 30),
        (500, 799, 45, 90), (500, 801, 60, 60), (500, 790, 120, 90),
    ],
)  # fmt: skip
def test_a_horizon_stays_while_it_is_near_enough(
    within_30: int, within_60: int, serving: int | None, kept: int
) -> None:
    found = choose_horizon(shop_with_shares(within_30, within_60), serving)
    assert found.days == kept
    assert ("too near 80%" in found.reason) == (kept != choose_horizon(shop_with_shares(within_30, within_60)).days)


def test_a_share_that_wavers_about_the_limit_changes_the_horizon_once_at_most() -> None:
    generator = np.random.default_rng(5)
    serving, seen, fresh = None, [], []
    for share in generator.integers(780, 821, 60):
        gaps = shop_with_shares(500, int(share))
        serving = choose_horizon(gaps, serving).days
        seen.append(serving)
        fresh.append(choose_horizon(gaps).days)
    assert len(set(seen)) == 1
    assert sum(one != other for one, other in itertools.pairwise(fresh)) > 10


def test_the_longest_horizon_stays_however_few_come_back_within_it() -> None:
    # nobody is followed past a year: 600 of 1,000 come back in half of it, the others after 200 days
    gaps = pd.DataFrame({"days": [20, 200], "ended": [600, 400], "censored": 0})
    assert choose_horizon(gaps).days == choose_horizon(gaps, 180).days == 180
    assert choose_horizon(gaps, 180).reason.startswith("only 60%")
    assert choose_horizon(gaps, 90).days == 180


def test_a_rhythm_that_is_not_known_is_not_made_up() -> None:
    few = pd.DataFrame({"days": [10], "ended": [49], "censored": [500]})
    with pytest.raises(NotEnoughData, match="found 49"):
        choose_horizon(few)
    warehouse = planted_warehouse(planted_days(customers=20))
    with pytest.raises(NotEnoughData, match="rhythm"):
        shop_horizon(warehouse, "no such shop", DAY)
    assert shop_horizon(warehouse, "no such shop", DAY, 45).days == 45
    with pytest.raises(ValueError, match="at least 1"):
        shop_horizon(warehouse, "店", DAY, 0)


def test_an_origin_holds_who_had_ordered_and_what_they_then_did() -> None:
    rows = [
        ("a", 0, 1, 1), ("a", 50, 1, 1), ("b", 1, 1, 1), ("b", 40, 1, 0), ("visitor", 5, 1, 0), ("visitor", 45, 1, 1),
        ("later", 60, 1, 1), ("z", 100, 1, 1),
    ]  # fmt: skip
    days = pd.DataFrame(rows, columns=["customer_id", "day", "sessions", "orders_placed"])
    days["event_date"] = pd.Timestamp(DAY) + pd.to_timedelta(days.pop("day"), unit="D")
    warehouse = planted_warehouse(days.assign(shop_id="店", cart_adds=0, net_revenue_minor=100))
    cut = DAY + dt.timedelta(days=40)
    churned = read_origin(warehouse, "店", cut, 30, happens_on_order=False)
    assert list(churned.frame["customer_id"]) == ["a", "b"]
    assert list(churned.y) == [0, 1]
    assert list(read_origin(warehouse, "店", cut, 10, happens_on_order=True).y) == [0, 0]
    assert list(read_origin(warehouse, "店", cut, 11, happens_on_order=True).y) == [1, 0]
    # a horizon that is not over yet has no outcome
    assert len(read_origin(warehouse, "店", cut, 62, happens_on_order=True).y) == 0
    sample = read_origin(warehouse, "店", DAY + dt.timedelta(days=65), 20, happens_on_order=True, most_rows=2)
    assert len(sample.frame) == 2
    assert shop_span(warehouse, "店") == Span(DAY, DAY + dt.timedelta(days=101))


def test_what_is_dated_after_the_cut_changes_no_feature() -> None:
    days = planted_days(customers=150)
    cut = dt.date(2024, 9, 1)
    late = days["event_date"] >= pd.Timestamp(cut)
    generator = np.random.default_rng(0)
    shuffled = days.copy()
    shuffled.loc[late, "customer_id"] = generator.permutation(days.loc[late, "customer_id"])
    shuffled.loc[late, "net_revenue_minor"] = generator.permutation(days.loc[late, "net_revenue_minor"])
    shuffled = shuffled.drop_duplicates(["customer_id", "event_date"])
    whole, other, cut_off = (
        read_customers(planted_warehouse(part), "店", cut) for part in (days, shuffled, days[~late])
    )
    assert changed_features(whole, other) == []
    assert changed_features(whole, cut_off) == []
    # planted: a count that reads on
    counted = days.groupby("customer_id").size()
    leaky = whole.assign(orders_ever=whole["customer_id"].map(counted))
    counted = days[~late].groupby("customer_id").size()
    assert changed_features(leaky, cut_off.assign(orders_ever=cut_off["customer_id"].map(counted))) == ["orders_ever"]
    # who is known must not hang on the future
    assert len(changed_features(whole, cut_off.iloc[1:])) == len(whole.columns) - 3
    with pytest.raises(ValueError, match="orders_ever"):
        changed_features(leaky, cut_off)


def test_a_feature_that_tells_the_outcome_alone_raises_an_alarm() -> None:
    warehouse = planted_warehouse(planted_days(customers=400))
    origin = read_origin(warehouse, "店", dt.date(2024, 10, 1), 90, happens_on_order=False)
    features = origin.frame.drop(columns=["shop_id", "as_of", "customer_id"])
    assert too_good_features(features, origin.y) == []
    noise = np.random.default_rng(3).normal(0, 0.05, len(origin.y))
    (alarm,) = too_good_features(features.assign(orders_next_quarter=1 - origin.y + noise), origin.y)
    assert alarm.feature == "orders_next_quarter"
    assert "looks as if it knew the outcome" in str(alarm)
    # known only for those who came back
    hidden = features.assign(next_order_in_days=np.where(origin.y == 1, np.nan, 5.0))
    assert [one.feature for one in too_good_features(hidden, origin.y)] == ["next_order_in_days"]
    # two copies do not vouch for each other
    twice = features.assign(leak=1 - origin.y, copy=2 * origin.y)
    assert {one.feature for one in too_good_features(twice, origin.y)} == {"leak", "copy"}


def test_an_easy_task_is_no_leak() -> None:
    generator = np.random.default_rng(4)
    y = np.repeat([0.0, 1.0], 200)
    # one feature has an AUC of .97, the three others one of .92 each and of .99 together
    frame = pd.DataFrame({name: y + generator.normal(0, 0.5, 400) for name in "abc"})
    frame["d"] = y + generator.normal(0, 0.38, 400)
    assert too_good_features(frame, y) == []
    assert [one.feature for one in too_good_features(frame[["d"]], y)] == ["d"]
    assert too_good_features(frame.assign(a=y), np.zeros(400)) == []


def test_a_young_shop_looks_less_far_ahead_and_says_so() -> None:
    own = Horizon(90, "90% within 90 days")
    assert within_history(own, 194) == own
    assert within_history(own, 193).days == 60
    assert "takes 194 days of history to learn, and 193 are known" in within_history(own, 193).reason
    assert within_history(own, 74).days == 30
    assert within_history(own, 73) == own

"""Customer value end to end on made-up shops: scores, evidence, leaks, repeatability, and shops that say too little."""

from __future__ import annotations

import datetime as dt
import json

import joblib
import numpy as np
import pandas as pd
import pytest

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.results import EVALUATION_COLUMNS
from ml.value.compare import CANDIDATES
from ml.value.customer_value import (
    CUSTOMER_VALUE_COLUMNS,
    CustomerValueModel,
    score_customers,
)
from ml.value.cuts import VALUE, read_history
from ml.value.tracking import TRACKING_COLUMNS
from ml.write_table import replace_rows
from tests.ml.value.made_up_shop import AS_OF, made_up_days, warehouse_of
from tests.ml.value.valued import Valued, value_shop

H = 90
#: The naive ones, BG/NBD and ridge: what the tests of everything but the comparison need.
FAST = (CANDIDATES[0], CANDIDATES[1], CANDIDATES[2], CANDIDATES[4])


def valued(days: pd.DataFrame, candidates=FAST, shop_id: str = "shop") -> Valued:
    return value_shop(warehouse_of(days), shop_id, H, candidates)


@pytest.fixture(scope="module")
def days() -> pd.DataFrame:
    return made_up_days()


@pytest.fixture(scope="module")
def result(days) -> Valued:
    return valued(days, CANDIDATES)


def figure(result: Valued, metric: str, model: str) -> pd.Series:
    rows = result.evaluation.query("metric == @metric and model == @model").sort_values("as_of")
    return rows.iloc[-1]


def test_every_customer_has_a_score_with_its_interval(result, days):
    known = days[days["event_date"] < pd.Timestamp(AS_OF)]["customer_id"].unique()
    scores = result.customers
    assert list(scores) == list(CUSTOMER_VALUE_COLUMNS)
    assert sorted(scores["customer_id"]) == sorted(known)
    assert (scores["value_low_minor"] <= scores["expected_value_minor"]).all()
    assert (scores["expected_value_minor"] <= scores["value_high_minor"]).all()
    assert (scores["expected_orders"] >= 0).all()
    assert set(scores["currency"]) == {"EUR"}
    assert set(scores["horizon_days"]) == {H}
    assert list(result.evaluation) == list(EVALUATION_COLUMNS)
    assert set(scores["model_version"]) == set(result.evaluation["model_version"])


def test_scores_foresee_what_came(result, days):
    later = days[(days["event_date"] >= pd.Timestamp(AS_OF))]
    later = later[later["event_date"] < pd.Timestamp(AS_OF) + pd.Timedelta(days=H)]
    came = later.assign(net=later["gross_minor"] - later["refund_minor"]).groupby("customer_id")["net"].sum()
    scores = result.customers.set_index("customer_id")
    actual = came.reindex(scores.index).fillna(0)
    assert scores["expected_value_minor"].sum() == pytest.approx(actual.sum(), rel=0.25)
    assert scores["expected_value_minor"].corr(actual, method="spearman") > 0.4
    inside = (scores["value_low_minor"] <= actual) & (actual <= scores["value_high_minor"])
    assert inside.mean() == pytest.approx(0.9, abs=0.05)


def test_the_evidence_stands_beside_its_baselines(result):
    chosen = result.model.champions_[VALUE]
    assert chosen not in ("baseline_mean", "baseline_own_rate")
    for word in ("orders", "spend"):
        for measure in ("rmse", "mae", "bias_ratio", "tweedie_deviance"):
            row = figure(result, f"{word}_{measure}", "baseline_own_rate")
            assert row["ci_low"] <= row["value"] <= row["ci_high"]
    ours, mean = (figure(result, "spend_tweedie_deviance", name) for name in (chosen, "baseline_mean"))
    assert ours["ci_high"] < mean["ci_low"]
    detail = json.loads(ours["detail"])
    assert detail["chosen"] is True
    assert detail["learned_at"] == [str(AS_OF - dt.timedelta(days=H * k)) for k in (2, 3)]
    assert {str(day)[:10] for day in result.evaluation["as_of"]} == {
        str(AS_OF - dt.timedelta(days=H * k)) for k in (1, 2)
    }
    coverage = figure(result, "spend_interval_coverage", chosen)
    assert coverage["value"] == pytest.approx(0.9, abs=0.05)
    assert f"{VALUE}: {chosen}" in result.record.reason


def test_cohorts_are_tracked_past_what_was_learned(result):
    tracked = result.tracking
    assert list(tracked) == list(TRACKING_COLUMNS)
    assert set(tracked["model"]) == {"bgnbd", "pareto_nbd"}
    last = tracked[tracked["week_end"] == tracked["week_end"].max()].groupby("model").sum(numeric_only=True)
    assert last.loc["pareto_nbd", "expected_repeats"] == pytest.approx(
        last.loc["pareto_nbd", "actual_repeats"], rel=0.12
    )
    cut = AS_OF - dt.timedelta(days=H)
    assert ((tracked["week_end"] >= cut) == tracked["is_held_out"]).all()


def test_a_saved_model_scores_later_days_without_learning(result, days, tmp_path):
    joblib.dump(result.model, tmp_path / "value.joblib")
    model = joblib.load(tmp_path / "value.joblib")
    assert not hasattr(model, "trials_")
    connection = warehouse_of(days)
    today = score_customers(model, read_history(connection, "shop", AS_OF, H).now.features, AS_OF)
    # the run writes the registry's version in the place of the model's own
    pd.testing.assert_frame_equal(
        today.drop(columns="model_version"), result.customers.drop(columns="model_version"), check_exact=True
    )
    later = AS_OF + dt.timedelta(days=30)
    tomorrow = score_customers(model, read_history(connection, "shop", later, H).now.features, later)
    assert set(tomorrow["as_of"]) == {later}
    assert set(tomorrow["model_version"]) == {result.model.model_version_}
    assert len(tomorrow) >= len(today)


def test_tables_of_the_warehouse_take_the_frames(result):
    connection = warehouse_of(made_up_days(customers=5))
    assert replace_rows(connection, ("ml", "customer_value"), CUSTOMER_VALUE_COLUMNS, result.customers) > 900
    assert replace_rows(connection, ("ml", "value_tracking"), TRACKING_COLUMNS, result.tracking) > 50
    assert replace_rows(connection, ("ml", "evaluation"), EVALUATION_COLUMNS, result.evaluation) > 50


def test_the_same_seed_gives_the_same_scores_in_any_order_of_rows(days, result):
    again = valued(days.sample(frac=1, random_state=4), CANDIDATES)
    for name in ("customers", "evaluation", "tracking"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(result, name), rtol=1e-9, atol=1e-9)


def test_what_comes_after_the_cut_changes_nothing(days):
    before = days["event_date"] < pd.Timestamp(AS_OF)
    after = days[~before]
    generator = np.random.default_rng(2)
    shuffled = after.assign(
        customer_id=generator.permutation(after["customer_id"].to_numpy()),
        gross_minor=generator.permutation(after["gross_minor"].to_numpy()) * 7,
        orders_placed=generator.permutation(after["orders_placed"].to_numpy()),
    ).drop_duplicates(["customer_id", "event_date"])
    known, unknown = valued(days), valued(pd.concat([days[before], shuffled]))
    for name in ("customers", "evaluation", "tracking"):
        pd.testing.assert_frame_equal(getattr(unknown, name), getattr(known, name), check_exact=True)


def test_a_test_cut_learns_nothing_from_its_own_outcomes(days):
    # orders after the newest test cut are moved about: what was predicted there stays the same
    cut = pd.Timestamp(AS_OF) - pd.Timedelta(days=H)
    late = days["event_date"] >= cut
    moved = days.assign(gross_minor=days["gross_minor"].where(~late, days["gross_minor"][::-1].to_numpy()))
    histories = [read_history(warehouse_of(frame), "shop", AS_OF, H) for frame in (days, moved)]
    first, second = (CustomerValueModel(candidates=FAST).fit(history) for history in histories)
    assert not np.array_equal(first.trials_[VALUE][0].actual, second.trials_[VALUE][0].actual)
    for name, prediction in first.trials_[VALUE][0].predictions.items():
        np.testing.assert_array_equal(prediction, second.trials_[VALUE][0].predictions[name])


def test_unknown_worth_is_null_and_never_nought(days):
    # one customer's orders never state their worth, and that customer still has expected orders
    orders = days[days["orders_placed"] > 0].groupby("customer_id").size()
    silent = orders.idxmax()
    worthless = days["customer_id"] == silent
    unknown = days.assign(
        gross_minor=days["gross_minor"].astype("Int64").mask(worthless & (days["orders_placed"] > 0)),
        orders_of_unknown_value=days["orders_placed"].where(worthless, 0),
    )
    unknown["gross_minor"] = unknown["gross_minor"].mask(worthless)
    scores = valued(unknown).customers.set_index("customer_id")
    assert scores.loc[silent, ["expected_value_minor", "value_low_minor", "value_high_minor"]].isna().all()
    assert scores.loc[silent, "expected_orders"] > 1
    assert scores.drop(index=silent)["expected_value_minor"].notna().all()


@pytest.mark.parametrize("known_share", [0.0, 0.5])
def test_a_shop_without_prices_still_has_expected_orders(days, known_share):
    ordered = days["orders_placed"] > 0
    hidden = ordered & (np.random.default_rng(1).random(len(days)) >= known_share)
    blind = days.assign(
        gross_minor=days["gross_minor"].astype("Int64").mask(hidden),
        orders_of_unknown_value=days["orders_placed"].where(hidden, 0),
    )
    result = valued(blind)
    assert result.customers["expected_value_minor"].isna().all()
    assert result.customers["expected_orders"].gt(0).any()
    assert "known worth of what 90% of the buyers bought" in result.record.reason
    assert not result.evaluation["metric"].str.startswith("spend").any()


def one_time(days):
    first = days[days["orders_placed"] > 0].sort_values("event_date").drop_duplicates("customer_id")
    return first[first["event_date"] < pd.Timestamp(AS_OF)]


@pytest.mark.parametrize(
    ("damage", "needed"),
    [
        (lambda days: days.assign(orders_placed=0, gross_minor=0, refund_minor=0), "at least one order"),
        (lambda days: days[days["customer_id"] == "c00003"], "50 customers who had bought"),
        (lambda days: days.assign(event_date=pd.Timestamp("2025-03-01")).drop_duplicates("customer_id"), "50 cust"),
        (one_time, "a model that can learn"),
        (lambda days: days[days["event_date"] >= pd.Timestamp(AS_OF)], "customers"),
        (lambda days: days[days["event_date"] < pd.Timestamp("2024-06-01")], "a model that can learn"),
    ],
    ids=["no orders", "one customer", "one day", "all buy once", "all in the future", "all churned"],
)
def test_shops_that_say_too_little_are_told_what_is_missing(days, damage, needed):
    with pytest.raises(NotEnoughData) as refused:
        valued(damage(days))
    assert refused.value.needed.startswith(needed)


def test_a_shop_of_clockwork_customers_is_scored():
    # nobody differs: every feature constant, everyone buys for 10.00 on the first of each month
    firsts = pd.date_range("2024-01-01", AS_OF + dt.timedelta(days=120), freq="MS")
    days = pd.DataFrame(
        [("shop", day, f"c{i}", 1, 1, 0, 1000, 0) for day in firsts for i in range(80)],
        columns=[
            "shop_id", "event_date", "customer_id", "events", "orders_placed",
            "orders_of_unknown_value", "gross_minor", "refund_minor",
        ],
    )  # fmt: skip
    result = valued(days, CANDIDATES)
    assert result.customers["expected_orders"].between(2.5, 3.5).all()
    assert result.customers["expected_value_minor"].between(2500, 3500).all()


def test_shops_stand_apart_whatever_their_names(days):
    other = made_up_days(300, 20, seed=9, shop_id="магазин", name="客户{:05d}")
    tiny = made_up_days(5, 0, seed=9, shop_id="tiny")
    together = warehouse_of(pd.concat([days, other, tiny]))
    mine, theirs = (value_shop(together, shop, H, FAST).customers for shop in ("shop", "магазин"))
    pd.testing.assert_frame_equal(mine, valued(days).customers, check_exact=True)
    assert theirs["customer_id"].str.startswith("客户").all()
    assert theirs["currency"].isna().all()
    with pytest.raises(NotEnoughData):
        value_shop(together, "tiny", H, FAST)


def test_missing_features_do_not_stop_it(days):
    history = read_history(warehouse_of(days), "shop", AS_OF, H)
    model = CustomerValueModel(candidates=FAST).fit(history)
    generator = np.random.default_rng(0)
    gaps = history.now.features.copy()
    for name in ("tenure_days", "events_30d", "orders_placed_90d", "net_revenue_minor_90d"):
        gaps[name] = gaps[name].astype("Float64").mask(generator.random(len(gaps)) < 0.05)
    scored = model.predict(gaps)
    assert scored["expected_orders"].notna().all()
    assert scored["expected_value_minor"].notna().all()


def test_a_horizon_is_at_least_a_day(days):
    with pytest.raises(ValueError, match="horizon_days: expected 1 or more, got 0"):
        read_history(warehouse_of(days), "shop", AS_OF, 0)

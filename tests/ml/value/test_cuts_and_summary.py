"""What is known at a cut and what came after it, to the day, on a shop of three customers."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.evaluation.enough import NotEnoughData
from ml.value import cuts
from ml.value.bgnbd import BGNBD
from ml.value.cuts import ORDERS, VALUE, read_history
from ml.value.lifetime import purchase_history, spend_per_order_day
from ml.value.summary import SUMMARY_COLUMNS, order_days, summarise
from ml.value.tracking import track_cohorts
from tests.ml.value.made_up_shop import AS_OF, made_up_days, warehouse_of

# shop, day, customer, events, orders, of unknown value, gross, refund
DAYS = pd.DataFrame(
    [
        ("shop", "2024-01-01", "ann", 5, 1, 0, 1000, 0),
        ("shop", "2024-01-11", "ann", 5, 2, 0, 3000, 500),
        ("shop", "2024-01-20", "ann", 5, 0, 0, 0, 700),
        ("shop", "2024-01-31", "ann", 5, 1, 0, 2000, 0),
        ("shop", "2024-02-01", "ann", 5, 1, 0, 9000, 0),
        ("shop", "2024-03-01", "ann", 5, 0, 0, 0, 4000),
        ("shop", "2024-03-02", "ann", 5, 1, 0, 100, 0),
        ("shop", "2024-01-31", "bob", 5, 1, 1, None, 0),
        ("shop", "2024-02-29", "bob", 5, 1, 1, None, 0),
        ("shop", "2024-01-02", "eve", 9, 0, 0, 0, 0),
        ("other", "2024-01-02", "ann", 9, 1, 0, 5, 0),
    ],
    columns=[
        "shop_id", "event_date", "customer_id", "events", "orders_placed",
        "orders_of_unknown_value", "gross_minor", "refund_minor",
    ],
).astype({"gross_minor": "Int64"})  # fmt: skip
CUT = dt.date(2024, 2, 1)


def summary() -> pd.DataFrame:
    return summarise(order_days(warehouse_of(DAYS)), CUT).set_index(["shop_id", "customer_id"])


def test_histories_count_days_with_orders_before_the_cut():
    found = summary()
    assert [*found.index.names, *found.columns] == list(SUMMARY_COLUMNS)
    ann = found.loc[("shop", "ann")]
    assert (ann["frequency"], ann["recency"], ann["T"]) == (2, 30, 30)
    assert (ann["purchases_of_known_amount"], ann["mean_amount"]) == (3, 2000.0)
    assert (ann["repeats_of_known_amount"], ann["mean_repeat_amount"]) == (2, 2500.0)
    bob = found.loc[("shop", "bob")]
    assert (bob["frequency"], bob["recency"], bob["T"]) == (0, 0, 0)
    assert bob["purchases_of_known_amount"] == 0
    assert np.isnan(bob["mean_amount"])
    assert np.isnan(found.loc[("other", "ann"), "mean_repeat_amount"])
    assert ("shop", "eve") not in found.index


def test_net_amounts_are_less_what_was_taken_back_that_day():
    net = summarise(order_days(warehouse_of(DAYS), "net_revenue_minor"), CUT).set_index(["shop_id", "customer_id"])
    assert net.loc[("shop", "ann"), "mean_amount"] == pytest.approx((1000 + 2500 + 2000) / 3)
    with pytest.raises(ValueError, match="expected gross_minor or net_revenue_minor, got units"):
        order_days(warehouse_of(DAYS), "units")


def test_orders_of_one_day_are_one_purchase_and_a_part_unknown_is_unknown():
    rows = [("s", "a", "2024-01-01", 5.0), ("s", "a", "2024-01-01", 7.0), ("s", "a", "2024-01-04", 3.0)]
    rows.append(("s", "a", "2024-01-04", None))
    frame = pd.DataFrame(rows, columns=["shop_id", "customer_id", "order_date", "amount"])
    with duckdb.connect() as connection:
        found = summarise(connection.from_df(frame), dt.date(2024, 1, 8)).iloc[0]
    assert (found["frequency"], found["recency"], found["T"]) == (1, 3, 6)
    assert (found["purchases_of_known_amount"], found["mean_amount"]) == (1, 12.0)


def test_features_and_summary_tell_the_same_history():
    days = made_up_days(300, 30)
    connection = warehouse_of(days)
    found = summarise(order_days(connection), AS_OF)
    now = read_history(connection, "shop", AS_OF).now.features
    buyers = now[now["order_days"] > 0]
    assert buyers["customer_id"].tolist() == found["customer_id"].tolist()
    for learned, counted in zip(purchase_history(buyers), ("frequency", "recency", "T"), strict=True):
        np.testing.assert_array_equal(learned, found[counted])
    np.testing.assert_allclose(spend_per_order_day(buyers), found["mean_amount"])


def test_outcomes_are_those_of_the_days_looked_ahead(monkeypatch):
    monkeypatch.setattr(cuts, "FEWEST_BUYERS", 2)
    monkeypatch.setattr(cuts, "FEWEST_CUTS", 1)
    history = read_history(warehouse_of(DAYS), "shop", CUT + dt.timedelta(days=30), 30, "EUR")
    cut = history.cuts[0]
    assert (cut.as_of, len(history.cuts), history.currency) == (CUT, 1, "EUR")
    came = cut.features.set_index("customer_id")[[ORDERS, VALUE]]
    # 2024-02-01 until 2024-03-01: the refund of 2024-03-01 counts, the order of the day after does not
    assert came.loc["ann"].tolist() == [1.0, 5000.0]
    assert came.loc["bob", ORDERS] == 1.0
    assert np.isnan(came.loc["bob", VALUE])
    assert came.loc["eve"].tolist() == [0.0, 0.0]
    assert ORDERS not in history.now.features
    assert set(history.order_days["shop_id"]) == {"shop"}
    assert pd.to_datetime(history.order_days["order_date"]).max() == pd.Timestamp("2024-02-29")


def test_a_short_history_says_what_it_lacks():
    with pytest.raises(NotEnoughData, match="needed 50 customers who had bought before 2023-12-03, found 0"):
        read_history(warehouse_of(DAYS), "shop", CUT + dt.timedelta(days=30), 90)
    with pytest.raises(NotEnoughData, match="customer value: needed customers, found none known before"):
        read_history(warehouse_of(DAYS), "nobody", CUT, 90)


def test_cohorts_count_repeats_by_week():
    connection = warehouse_of(DAYS)
    model = BGNBD()
    vars(model).update(r_=1.0, alpha_=10.0, a_=0.5, b_=2.0)
    tracked = track_cohorts(order_days(connection), {"bgnbd": model}, CUT, dt.date(2024, 3, 7))
    january = tracked[(tracked["shop_id"] == "shop")].set_index("week_end")
    assert set(january["cohort"]) == {dt.date(2024, 1, 1)}
    by_week = january["actual_repeats"].to_dict()
    # weeks end the day before the cut and every seventh from there, the last whole one on 2024-03-06
    assert by_week[dt.date(2024, 1, 10)] == 0
    assert by_week[dt.date(2024, 1, 17)] == 1
    assert by_week[dt.date(2024, 1, 31)] == 2
    assert by_week[dt.date(2024, 2, 7)] == 3
    assert by_week[dt.date(2024, 3, 6)] == 5
    assert max(by_week) == dt.date(2024, 3, 6)
    assert january["customers"].to_dict()[dt.date(2024, 1, 17)] == 1
    assert january["customers"].to_dict()[dt.date(2024, 1, 31)] == 2
    assert january.loc[dt.date(2024, 1, 31), "expected_repeats"] == pytest.approx(model.expected_total(30.0)[0])
    assert january.loc[dt.date(2024, 3, 6), "expected_repeats"] == pytest.approx(model.expected_total([65, 35]).sum())
    assert january["is_held_out"].to_dict()[dt.date(2024, 2, 7)]
    assert not january["is_held_out"].to_dict()[dt.date(2024, 1, 31)]


def test_cohorts_of_nobody_and_an_end_before_the_cut():
    orders = order_days(warehouse_of(DAYS))
    assert len(track_cohorts(orders, {}, CUT, CUT)) == 0
    assert len(track_cohorts(orders, {"bgnbd": BGNBD()}, dt.date(2023, 1, 1), CUT)) == 0
    with pytest.raises(ValueError, match="expected 2024-02-01"):
        track_cohorts(orders, {}, CUT, dt.date(2024, 1, 1))

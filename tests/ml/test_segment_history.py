"""What runs leave for the next: numbers last, a day run again gives the same, old assignments are dropped."""

from __future__ import annotations

import datetime as dt

import duckdb
import pandas as pd
import pytest

from ml.segments.choose_k import StabilityRule
from ml.segments.customer_segments import SegmentationResult, segment_customers
from ml.segments.history import SegmentHistory, read_history, write_history
from ml.segments.tables import SIZE_COLUMNS

RULE = StabilityRule(k_max=4, n_resamples=20, n_init=3, resample_n_init=2)
DAY = dt.date(2026, 3, 1)


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        yield connection


def segment(warehouse: duckdb.DuckDBPyConnection, rfm: pd.DataFrame, day: dt.date) -> SegmentationResult:
    """One day's step as an asset takes it: read, segment, write."""
    rfm = rfm.assign(as_of=day)
    result = segment_customers(rfm, rule=RULE, history=read_history(warehouse, rfm))
    write_history(warehouse, result.history(), result.sizes(), SIZE_COLUMNS, result.migrations)
    return result


def days_kept(warehouse: duckdb.DuckDBPyConnection, table: str = "segment_history") -> list[dt.date]:
    rows = warehouse.execute(f"SELECT DISTINCT as_of FROM ml.{table} ORDER BY 1").fetchall()
    return [row[0] for row in rows]


def numbers(result: SegmentationResult) -> dict[str, int]:
    return result.customers.set_index("customer_id")["segment_id"].to_dict()


def test_numbers_last_while_the_best_segment_becomes_the_worst(warehouse, planted):
    first = segment(warehouse, planted, DAY)
    # The regulars are not seen for two years: their segment, the best until now, becomes the last.
    regular = planted["value_group"] == "regular"
    later = planted.assign(recency_days=planted["recency_days"] + 700 * regular, frequency=1, monetary_minor=50_000)
    later.loc[~regular, "recency_days"] += 1
    second = segment(warehouse, later, DAY + dt.timedelta(days=1))
    assert numbers(second) == numbers(first)
    assert first.segments.set_index("segment_id")["segment_rank"].to_dict() == {1: 1, 2: 2, 3: 3}
    assert second.segments.set_index("segment_id").loc[1, "segment_rank"] == 3


def test_a_day_run_again_gives_the_same_numbers(warehouse, planted, make_planted):
    segment(warehouse, planted, DAY)
    grown = make_planted((150, 150, 150), seed=8)
    once = segment(warehouse, grown, DAY + dt.timedelta(days=1))
    again = segment(warehouse, grown, DAY + dt.timedelta(days=1))
    assert numbers(again) == numbers(once)
    pd.testing.assert_frame_equal(again.migrations, once.migrations)
    assert days_kept(warehouse, "segment_migrations") == [DAY + dt.timedelta(days=1)]
    # An earlier day run again forgets the later one, so that no number is taken by a day that is to come.
    segment(warehouse, planted, DAY)
    assert days_kept(warehouse) == days_kept(warehouse, "segment_sizes") == [DAY]
    assert days_kept(warehouse, "segment_migrations") == []
    segment(warehouse, grown, DAY + dt.timedelta(days=1))
    assert days_kept(warehouse, "segment_migrations") == [DAY + dt.timedelta(days=1)]


def test_moves_from_a_day_that_is_forgotten_go_with_it_and_other_shops_moves_stay(warehouse, planted, make_planted):
    other = make_planted((60, 90, 120), "another", seed=9)
    segment(warehouse, pd.concat([planted, other]), DAY)
    segment(warehouse, pd.concat([planted, other]), DAY + dt.timedelta(days=1))
    # the first day, of one shop alone: there is nothing before it to have moved from
    segment(warehouse, planted, DAY)
    moved = warehouse.execute("SELECT DISTINCT shop_id, as_of FROM ml.segment_migrations").fetchall()
    assert moved == [("another", DAY + dt.timedelta(days=1))]


def test_customers_who_were_erased_are_in_no_kept_day(warehouse, planted):
    segment(warehouse, planted, DAY)
    kept = warehouse.execute("SELECT count(DISTINCT customer_id) FROM ml.segment_history").fetchall()
    assert kept == [(450,)]
    warehouse.execute(
        """
        CREATE SCHEMA features; CREATE SCHEMA staging;
        CREATE TABLE staging.stg_shops AS SELECT 'shop' AS shop_id;
        CREATE TABLE features.feat_customer_days AS
            SELECT DISTINCT shop_id, customer_id FROM ml.segment_history WHERE customer_id <> '1-00003';
        """
    )
    rest = planted[planted["customer_id"] != "1-00003"]
    for _ in range(2):
        segment(warehouse, rest, DAY + dt.timedelta(days=1))
        counted = warehouse.execute("SELECT as_of, count(*) FROM ml.segment_history GROUP BY 1 ORDER BY 1").fetchall()
        assert counted == [(DAY, 449), (DAY + dt.timedelta(days=1), 449)]
        erased = warehouse.execute("SELECT 1 FROM ml.segment_history WHERE customer_id = '1-00003'").fetchall()
        assert erased == []


def test_a_number_of_a_vanished_segment_does_not_come_back(warehouse, planted):
    first = segment(warehouse, planted, DAY)
    two = planted[planted["value_group"] != "lapsed"]
    between = [segment(warehouse, two, DAY + dt.timedelta(days=day)) for day in (1, 2)]
    used = {number for result in (first, *between) for number in result.segments["segment_id"]}
    back = numbers(segment(warehouse, planted, DAY + dt.timedelta(days=3)))
    # The lapsed customers are new to the last run: not even their own old number is theirs again.
    assert {back[customer] for customer in back if customer.startswith("1-")} == {max(used) + 1}
    assert back["0-00000"] == numbers(first)["0-00000"]


def test_migrations_are_from_the_last_run_and_from_last_months(warehouse, planted):
    first, second, third = dt.date(2026, 2, 20), dt.date(2026, 2, 27), dt.date(2026, 3, 4)
    segment(warehouse, planted, first)
    segment(warehouse, planted, second)
    segment(warehouse, planted, third)
    moved = segment(warehouse, planted, third + dt.timedelta(days=1)).migrations
    assert sorted(set(moved["from_as_of"])) == [second, third]
    assert moved.groupby("from_as_of")["customers"].sum().to_dict() == {second: 450, third: 450}
    assert (moved["from_segment_id"] == moved["to_segment_id"]).all()


def test_assignments_are_kept_for_two_days_and_month_ends_sizes_for_all(warehouse, planted):
    days = [dt.date(2026, 1, 30), dt.date(2026, 1, 31), dt.date(2026, 2, 3), dt.date(2026, 2, 4), dt.date(2026, 2, 5)]
    for day in days:
        segment(warehouse, planted, day)
    assert days_kept(warehouse) == [days[1], days[3], days[4]]
    assert days_kept(warehouse, "segment_sizes") == days
    segment(warehouse, planted, dt.date(2027, 6, 1))
    assert days_kept(warehouse) == [days[4], dt.date(2027, 6, 1)]


def test_shops_keep_their_own_history(warehouse, planted, make_planted):
    other = make_planted((60, 90, 120), "another", seed=9)
    both = segment(warehouse, pd.concat([planted, other]), DAY)
    segment(warehouse, other, DAY + dt.timedelta(days=1))
    kept = warehouse.execute("SELECT shop_id, count(*) FROM ml.segment_history GROUP BY 1 ORDER BY 1").fetchall()
    assert kept == [("another", 540), ("shop", 450)]
    again = segment(warehouse, planted, DAY + dt.timedelta(days=2))
    assert numbers(again) == {key: both_id for key, both_id in numbers(both).items() if key in numbers(again)}


def test_without_tables_and_without_customers_there_is_no_history(warehouse, planted):
    history = read_history(warehouse, planted)
    assert history.greatest_id("shop", DAY) == 0
    assert list(history.runs("shop", DAY)) == []
    nobody = segment_customers(planted.iloc[:0], history=SegmentHistory.empty())
    write_history(warehouse, nobody.history(), nobody.sizes(), SIZE_COLUMNS, nobody.migrations)
    assert days_kept(warehouse) == []

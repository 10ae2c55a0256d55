"""Frames into the warehouse with declared types, and the evaluation table's own rules."""

from __future__ import annotations

import datetime as dt

import duckdb
import pandas as pd
import pytest

from ml.evaluation.intervals import Estimate
from ml.evaluation.results import EVALUATION_COLUMNS, Measured, Subject, evaluation_frame
from ml.segments.customer_segments import CUSTOMER_COLUMNS, SEGMENT_COLUMNS, segment_customers
from ml.write_table import ensure_table, replace_rows, table_exists

TABLE = ("ml", "evaluation")


def rows(shop: str, *values: float | None) -> pd.DataFrame:
    subject = Subject("segments", shop, dt.date(2024, 1, 1), "kmeans", 1, "v")
    return evaluation_frame(Measured(subject, f"m{i}", value, 5) for i, value in enumerate(values))


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        yield connection


def stored(connection) -> list[tuple]:
    return connection.execute("SELECT shop_id, metric, value FROM ml.evaluation ORDER BY ALL").fetchall()


def test_a_slice_is_replaced_and_others_stay(warehouse):
    by = ("capability", "shop_id")
    assert replace_rows(warehouse, TABLE, EVALUATION_COLUMNS, rows("a", 1.0, 2.0), by) == 2
    assert replace_rows(warehouse, TABLE, EVALUATION_COLUMNS, rows("b", 3.0), by) == 3
    assert replace_rows(warehouse, TABLE, EVALUATION_COLUMNS, rows("a", None), by) == 2
    assert stored(warehouse) == [("a", "m0", None), ("b", "m0", 3.0)]


def test_without_a_slice_the_whole_table_is_replaced(warehouse):
    replace_rows(warehouse, TABLE, EVALUATION_COLUMNS, rows("a", 1.0))
    replace_rows(warehouse, TABLE, EVALUATION_COLUMNS, rows("b", 2.0))
    assert stored(warehouse) == [("b", "m0", 2.0)]


def test_a_failed_write_leaves_the_old_rows(warehouse):
    replace_rows(warehouse, TABLE, EVALUATION_COLUMNS, rows("a", 1.0))
    broken = rows("b", 2.0).assign(as_of="no date")
    with pytest.raises(duckdb.ConversionException):
        replace_rows(warehouse, TABLE, EVALUATION_COLUMNS, broken)
    assert stored(warehouse) == [("a", "m0", 1.0)]


def test_other_columns_are_refused(warehouse):
    with pytest.raises(ValueError, match="expected columns"):
        replace_rows(warehouse, TABLE, EVALUATION_COLUMNS, rows("a", 1.0).drop(columns="n"))
    warehouse.execute("CREATE SCHEMA ml; CREATE TABLE ml.evaluation (x INT)")
    with pytest.raises(ValueError, match="found \\['x'\\]"):
        replace_rows(warehouse, TABLE, EVALUATION_COLUMNS, rows("a", 1.0), by=("capability",))


def test_a_table_that_is_replaced_whole_may_have_had_other_columns(warehouse):
    warehouse.execute("CREATE SCHEMA ml; CREATE TABLE ml.evaluation (x INT)")
    assert replace_rows(warehouse, TABLE, EVALUATION_COLUMNS, rows("a", 1.0)) == 1


@pytest.mark.parametrize("customers", [0, 7])
def test_segments_are_stored_with_their_types(warehouse, planted, customers):
    result = segment_customers(planted.iloc[:customers])
    replace_rows(warehouse, ("ml", "customer_segments"), CUSTOMER_COLUMNS, result.customers)
    replace_rows(warehouse, ("ml", "segments"), SEGMENT_COLUMNS, result.segments)
    types = dict(warehouse.execute("SELECT column_name, column_type FROM (DESCRIBE ml.customer_segments)").fetchall())
    assert types == CUSTOMER_COLUMNS
    days = warehouse.execute("SELECT as_of, count(*) FROM ml.customer_segments GROUP BY 1").fetchall()
    assert days == ([(dt.date(2024, 3, 1), 7)] if customers else [])


def test_evaluation_refuses_nonsense():
    subject = Subject("segments", "a", dt.date(2024, 1, 1), "kmeans", 1, "v")
    one = Measured(subject, "m", 1.0, 5)
    with pytest.raises(ValueError, match="segments/a/2024-01-01/kmeans/m more than once"):
        evaluation_frame([one, one])
    with pytest.raises(ValueError, match="ci_low <= ci_high"):
        evaluation_frame([Measured(subject, "m", Estimate(1.0, 2.0, 1.5, 3), 5)])
    with pytest.raises(ValueError, match="finite"):
        evaluation_frame([Measured(subject, "m", float("inf"), 5)])


def test_estimates_bring_their_interval_and_their_n():
    subject = Subject("segments", "a", dt.date(2024, 1, 1), "kmeans", 1, "v")
    row = evaluation_frame([Measured(subject, "m", Estimate(0.5, 0.4, 0.6, 40), 5, {"b": 1, "a": "中"})]).iloc[0]
    assert (row["value"], row["ci_low"], row["ci_high"], row["n"]) == (0.5, 0.4, 0.6, 40)
    assert row["detail"] == '{"a": "中", "b": 1}'


def test_a_table_is_made_where_it_is_missing_and_left_alone_where_it_is_not(warehouse):
    assert not table_exists(warehouse, TABLE)
    ensure_table(warehouse, TABLE, EVALUATION_COLUMNS)
    assert table_exists(warehouse, TABLE)
    replace_rows(warehouse, TABLE, EVALUATION_COLUMNS, rows("a", 1.0))
    ensure_table(warehouse, TABLE, {"other": "INTEGER"})
    assert stored(warehouse) == [("a", "m0", 1.0)]
    # one of the same name elsewhere is another table
    assert not table_exists(warehouse, ("marts", "evaluation"))
    warehouse.execute("ATTACH ':memory:' AS beside; USE beside")
    assert not table_exists(warehouse, TABLE)

"""Cohorts of UCI Online Retail by first purchase: every cell equal to a table that pandas makes from the file alone."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from tests.properties.warehouse import Warehouse
from tests.real.public_data import public_file

pytestmark = pytest.mark.real

CELL = ["cohort_start", "period_number", "cohort_size", "active", "orders", "net_revenue_minor"]


@pytest.fixture(scope="module")
def sold() -> pd.DataFrame:
    """Invoices of known customers that sold something: customer, invoice, day, worth in pence."""
    with duckdb.connect() as connection:
        lines = connection.execute(
            "select * from read_parquet(?)", [str(public_file("uci_online_retail/online_retail.parquet"))]
        ).df()
    lines = lines[lines["CustomerID"].notna() & ~lines["InvoiceNo"].str.startswith("C")]
    assert (lines["Quantity"] > 0).all() and (lines["UnitPrice"] >= 0).all()
    lines = lines.assign(
        day=pd.to_datetime(lines["InvoiceDate"]).dt.normalize(),
        pence=lines["Quantity"] * (lines["UnitPrice"] * 100).round().astype("int64"),
    )
    return lines.groupby(["CustomerID", "InvoiceNo"], as_index=False).agg(day=("day", "min"), pence=("pence", "sum"))


def _cohorts(sold: pd.DataFrame, period: str) -> pd.DataFrame:
    """The cohort table by pandas' own periods: (cohort_start, period_number) -> size, active, orders, pence."""
    sold = sold.assign(period=sold["day"].dt.to_period({"week": "W-SUN", "month": "M"}[period]))
    first = sold.groupby("CustomerID")["period"].min().rename("cohort")
    sold = sold.join(first, on="CustomerID")
    cells = sold.groupby(["cohort", "period"]).agg(
        active=("CustomerID", "nunique"), orders=("InvoiceNo", "nunique"), net_revenue_minor=("pence", "sum")
    )
    sizes, last = first.value_counts(), sold["period"].max()
    rows = [
        (cohort.start_time.date(), number, sizes[cohort], *cells.reindex([(cohort, cohort + number)]).fillna(0).iloc[0])
        for cohort in sorted(sizes.index)
        for number in range((last - cohort).n + 1)
    ]
    return pd.DataFrame(rows, columns=CELL).astype(dict.fromkeys(CELL[1:], "int64"))


@pytest.mark.parametrize(("period", "cells"), [("month", 91), ("week", 1_435)])
def test_every_cell_is_the_one_of_pandas(online_retail: Warehouse, sold: pd.DataFrame, period: str, cells: int) -> None:
    rows = online_retail.rows(
        f"select {', '.join(CELL)} from marts.agg_retention_cohorts "
        f"where cohort_type = 'first_purchase' and period = '{period}' order by 1, 2"
    )
    expected = [tuple(row) for row in _cohorts(sold, period).itertuples(index=False)]
    assert len(expected) == cells
    assert rows == expected


def test_first_month_and_the_unfinished_one(online_retail: Warehouse) -> None:
    """885 customers of December 2010, of whom 324 order in January; the data end on 9 December 2011."""
    rows = online_retail.rows(
        "select period_number, cohort_size, active, retention_rate, is_complete from marts.agg_retention_cohorts "
        "where cohort_type = 'first_purchase' and period = 'month' and cohort_start = date '2010-12-01' order by 1"
    )
    assert rows[0][1:3] == (885, 885)
    assert [complete for *_, complete in rows] == [True] * 12 + [False]

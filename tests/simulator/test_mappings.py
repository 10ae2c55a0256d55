"""The shipped mappings read the simulator's files, and what they refuse is exactly the planted dirt."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import pytest

from ingestion.lake import Lake
from ingestion.load import ingest_file, ingest_files
from ingestion.mapping import load_mapping
from ingestion.shops import Shop
from ingestion.simulator.shop_tables import TABLE_NAMES
from tests.simulator.written_shop import Written, write

#: Reason code that the platform gives to each kind of planted dirt.
REASONS = {
    "broken_json": "malformed_row",
    "missing_type": "missing_value",
    "unknown_type": "unknown_event_name",
    "bad_time": "bad_time",
    "huge_quantity": "out_of_range",
    "order_without_id": "missing_order_id",
}


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Written:
    # Few days, because loading costs by the file; many nuisances, so that each occurs.
    return write(
        tmp_path_factory.mktemp("week"), visitors=3000, days=5, seed=4, dirty_share=0.01, refund_share=0.5,
        duplicate_share=0.03,
    )  # fmt: skip


@pytest.fixture(scope="module")
def loaded(week: Written, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Counter[str]]:
    """A lake that holds the simulated logs and tables, and the sums of the events' ledger."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    shop = Shop("demo", week.config.timezone, week.config.currency, "tables")
    counts = Counter[str]()
    logs = sorted((week.out / "logs").iterdir())
    for result in ingest_files(lake, logs, load_mapping("footfall_simulator_events"), shop):
        for name in ("rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate", "rows_skipped"):
            counts[name] += getattr(result.entry, name)
    for name in TABLE_NAMES:
        ingest_file(lake, week.out / "tables" / f"{name}.csv", load_mapping(f"footfall_simulator_{name}"), shop)
    return lake, counts


def _query(lake: Lake, table: str, query: str) -> list[tuple[object, ...]]:
    """Rows of ``query`` over one table of the lake, called ``lake`` in it."""
    with duckdb.connect() as connection:
        connection.read_parquet(lake.glob(table), union_by_name=True).create_view("lake")
        return connection.execute(query).fetchall()


def test_ledger_counts_the_planted_lines(week: Written, loaded: tuple[Lake, Counter[str]]) -> None:
    fate = week.summary["lines_by_fate"]
    assert loaded[1] == {
        "rows_read": week.summary["lines_written"],
        "rows_accepted": sum(
            fate[name] for name in ("clean", "too_late", "duplicate_later_file", "dirty_future_clock")
        ),
        "rows_quarantined": sum(fate[f"dirty_{kind}"] for kind in REASONS),
        "rows_duplicate": fate["duplicate_same_file"],
        "rows_skipped": 0,
    }


def test_quarantine_holds_the_planted_dirt(week: Written, loaded: tuple[Lake, Counter[str]]) -> None:
    rows = _query(loaded[0], "quarantine", "SELECT reason_code, count(*) FROM lake GROUP BY ALL")
    assert set(rows) == {(code, week.summary["lines_by_fate"][f"dirty_{kind}"]) for kind, code in REASONS.items()}


def test_every_table_row_enters(week: Written, loaded: tuple[Lake, Counter[str]]) -> None:
    for name in TABLE_NAMES:
        assert _query(loaded[0], name, "SELECT count(*) FROM lake") == [(week.summary["table_rows"][name],)]
        assert week.summary["table_rows"][name] > 0


def test_money_in_the_lake_is_the_planted_money(week: Written, loaded: tuple[Lake, Counter[str]]) -> None:
    orders = _query(
        loaded[0], "orders",
        "SELECT count(*), sum(value) FROM (SELECT DISTINCT order_id, value FROM lake)",
    )  # fmt: skip
    assert orders == [(week.summary["orders"], week.summary["gross_revenue"])]
    assert _query(loaded[0], "refunds", "SELECT sum(value) FROM lake") == [(week.summary["refunded"],)]
    tracked = "SELECT DISTINCT order_id, value FROM lake WHERE event_name = 'purchase' ORDER BY ALL"
    seen = {str(order): value for order, value in _query(loaded[0], "events", tracked)}
    truth = week.truth("orders").set_index("order_id")["value"]
    assert len(seen) > 50
    assert seen == truth[truth.index.isin(seen)].to_dict()


def test_nested_fields_arrive(loaded: tuple[Lake, Counter[str]]) -> None:
    fields = ("region", "city", "utm_source", "utm_campaign", "referrer", "user_agent", "item_category", "discount")
    more = ("coupon", "tax", "shipping", "payment_method", "search_term", "dwell_ms", "received_ts", "customer_id")
    for name in (*fields, *more):
        [(filled, rows)] = _query(loaded[0], "events", f'SELECT count("{name}"), count(*) FROM lake')
        assert 0 < int(str(filled)) <= int(str(rows)), name
    assert _query(loaded[0], "events", "SELECT DISTINCT currency FROM lake WHERE price IS NOT NULL") == [("CNY",)]


def test_dates_of_the_lake_are_the_files_days(week: Written, loaded: tuple[Lake, Counter[str]]) -> None:
    days = {str(day) for (day,) in _query(loaded[0], "events", "SELECT DISTINCT arrival_date FROM lake")}
    assert days == {Path(path).name[7:17] for path in (week.out / "logs").iterdir()}

"""A session's events one by one, from a warehouse of three hand-written sessions."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest

from ml.propensity.session_steps import KINDS, STEPS, STEPS_SQL, step_columns

DAY = dt.date(2026, 3, 1)
T = dt.datetime(2026, 3, 1, 23, 59)


def at(seconds: float) -> dt.datetime:
    return T + dt.timedelta(seconds=seconds)


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA intermediate")
    connection.execute(
        "CREATE TABLE intermediate.int_session_starts (shop_id VARCHAR, visitor_id VARCHAR, session_id VARCHAR, "
        "session_date DATE, session_start_ts TIMESTAMP, at_event_ts TIMESTAMP)"
    )
    connection.execute(
        "CREATE TABLE intermediate.int_events (shop_id VARCHAR, visitor_id VARCHAR, event_date DATE, "
        "event_ts TIMESTAMP, event_id VARCHAR, event_name VARCHAR, item_id VARCHAR, item_category VARCHAR, "
        "page_url VARCHAR, price_minor BIGINT, is_event_head BOOLEAN)"
    )
    connection.executemany(
        "INSERT INTO intermediate.int_session_starts VALUES ('shop', ?, ?, ?, ?, ?)",
        [("ann", "one", DAY, at(0), at(100)), ("bob", "two", DAY, at(5), at(5)), ("ann", "old", DAY, at(-9000), T)],
    )
    events = [
        ("ann", at(0), "a", "page_view", None, None, "/", None, True),
        ("ann", at(10), "b", "view_item", "pen", "office", "/pen", 250, True),
        # past midnight in the shop: the next day's part
        ("ann", at(70), "c", "view_item", "ink", "office", "/ink", 900, True),
        ("ann", at(70), "c", "view_item", "nib", "office", "/ink", 900, False),
        ("ann", at(100), "d", "add_to_cart", "pen", "office", "/pen", 250, True),
        # after the event at which the session is judged
        ("ann", at(101), "e", "purchase", "pen", "office", "/thanks", 250, True),
        ("bob", at(5), "f", "something_new", None, None, None, None, True),
    ]
    connection.executemany(
        "INSERT INTO intermediate.int_events VALUES ('shop', ?, (CAST(? AS TIMESTAMP))::DATE, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(visitor, ts, ts, *rest) for visitor, ts, *rest in events],
    )
    connection.execute("DELETE FROM intermediate.int_session_starts WHERE session_id = 'old'")
    return connection


def test_steps_in_order_and_none_after_the_event_that_counts(warehouse: duckdb.DuckDBPyConnection) -> None:
    frame = warehouse.execute(STEPS_SQL, ["shop", DAY, DAY + dt.timedelta(days=1)]).df().set_index("session_id")
    assert set(frame.columns) == set(step_columns()) and set(frame.index) == {"one", "two"}
    one = frame.loc["one"]

    def channel(name: str) -> list[float]:
        return [one[f"step_{step}_{name}"] for step in range(1, 5)]

    assert [KINDS[int(kind) - 1] for kind in channel("kind")] == ["page_view", "view_item", "view_item", "add_to_cart"]
    assert channel("gap") == [0, 10, 60, 30]
    assert channel("same_item") == [0, 0, 0, 1]
    assert channel("same_category") == [0, 0, 1, 1]
    assert channel("same_page") == [0, 0, 0, 1]
    assert channel("price") == [0, 250, 900, 250]
    assert one[[f"step_{step}_kind" for step in range(5, STEPS + 1)]].isna().all()
    assert KINDS[int(frame.loc["two", "step_1_kind"]) - 1] == "(another)"


def test_later_events_change_no_step(warehouse: duckdb.DuckDBPyConnection) -> None:
    window = ["shop", DAY, DAY + dt.timedelta(days=1)]
    before = warehouse.execute(STEPS_SQL, window).df().sort_values("session_id", ignore_index=True)
    warehouse.execute("DELETE FROM intermediate.int_events WHERE event_name = 'purchase'")
    warehouse.execute(
        "INSERT INTO intermediate.int_events SELECT shop_id, visitor_id, event_date, "
        "event_ts + INTERVAL 101 SECOND, event_id || 'x', event_name, item_id, item_category, page_url, price_minor, "
        "is_event_head FROM intermediate.int_events WHERE visitor_id = 'ann'"
    )
    assert warehouse.execute(STEPS_SQL, window).df().sort_values("session_id", ignore_index=True).equals(before)

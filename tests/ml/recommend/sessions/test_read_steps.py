"""Steps from a warehouse: who counts, what is a step, and what is told twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import duckdb
import pytest

from ml.recommend.sessions.read import read_frame, read_steps

DAY = dt.date(2026, 3, 1)
NEXT = dt.date(2026, 3, 2)


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA features")
        connection.execute(
            """
            CREATE TABLE features.feat_session_items AS
            SELECT shop_id, CAST(event_ts AS DATE) AS event_date, CAST(session_date AS DATE) AS session_date,
                t.* EXCLUDE (shop_id, session_date)
            FROM (VALUES
                ('shop', 'late', '2026-03-01', 'v1', 'e1', 0, 'view_item', TIMESTAMP '2026-03-01 23:50',
                    '咖啡杯', 'Mug', 'Kitchen', NULL),
                ('shop', 'late', '2026-03-01', 'v1', 'e3', 0, 'add_to_cart', TIMESTAMP '2026-03-01 23:52',
                    '咖啡杯', 'Mug', 'Kitchen', NULL),
                ('shop', 'late', '2026-03-01', 'v1', 'e4', 0, 'purchase', TIMESTAMP '2026-03-02 00:05',
                    '咖啡杯', 'Mug', NULL, 'o1'),
                ('shop', 'late', '2026-03-01', 'v1', 'e4', 1, 'purchase', TIMESTAMP '2026-03-02 00:05',
                    'b', 'Bag', NULL, 'o1'),
                ('shop', 'late', '2026-03-01', 'v1', 'e5', 0, 'purchase', TIMESTAMP '2026-03-02 00:06',
                    '咖啡杯', 'Mug', NULL, 'o1'),
                ('shop', 'late', '2026-03-01', 'v1', 'e5', 1, 'purchase', TIMESTAMP '2026-03-02 00:06',
                    'b', 'Bag', NULL, 'o1'),
                ('shop', 'late', '2026-03-01', 'v1', 'e6', 0, 'purchase', TIMESTAMP '2026-03-02 00:07',
                    '咖啡杯', 'Mug', NULL, NULL),
                ('shop', 'late', '2026-03-01', 'v1', 'e7', 0, 'view_item', TIMESTAMP '2026-03-02 00:10',
                    'b2', 'Bag', 'Bags', NULL),
                ('shop', 'again', '2026-03-02', 'v1', 'e9', 0, 'view_item', TIMESTAMP '2026-03-02 09:00',
                    'b', 'Bag', 'Bags', NULL),
                ('other', 'theirs', '2026-03-01', 'v1', 'e9', 0, 'view_item', TIMESTAMP '2026-03-02 00:09',
                    'b', 'Bag', 'Bags', NULL)
            ) AS t (
                shop_id, session_id, session_date, visitor_id, event_id, item_index, event_name, event_ts,
                item_id, item_name, item_category, order_id
            )
            """
        )
        yield connection


def test_a_session_is_its_views_and_purchases_in_order_past_midnight(warehouse: duckdb.DuckDBPyConnection) -> None:
    steps = read_steps(warehouse, "shop", DAY, NEXT)
    assert list(steps.sessions) == ["late"] and list(steps.visitors or []) == ["v1"]
    # the order told again by e5 was bought once; e6 has no order and counts
    assert list(steps.items[steps.item]) == ["咖啡杯", "咖啡杯", "b", "咖啡杯", "b2"]
    assert list(steps.bought) == [False, True, True, True, False]
    assert dict(zip(steps.items, steps.category >= 0, strict=True)) == {"b": False, "b2": True, "咖啡杯": True}


def test_days_are_those_on_which_sessions_began(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert list(read_steps(warehouse, "shop", NEXT, dt.date(2026, 3, 3)).sessions) == ["again"]
    assert list(read_steps(warehouse, "shop", DAY, dt.date(2026, 3, 3)).sessions) == ["late", "again"]


def test_an_empty_day_has_no_steps(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert len(read_steps(warehouse, "shop", dt.date(2026, 3, 5), dt.date(2026, 3, 6))) == 0
    assert len(read_steps(warehouse, "nobody", DAY, NEXT)) == 0


def test_steps_may_be_names_or_categories_and_other_events(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert list(read_frame(warehouse, "shop", DAY, NEXT, item="item_name")["item"]) == [
        "Mug",
        "Mug",
        "Bag",
        "Mug",
        "Bag",
    ]
    assert list(read_frame(warehouse, "shop", DAY, NEXT, item="item_category")["item"]) == ["Kitchen", "Bags"]
    assert list(read_frame(warehouse, "shop", DAY, NEXT, events=("add_to_cart",))["kind"]) == ["add_to_cart"]
    with pytest.raises(ValueError, match="item: expected one of item_id, item_name, item_category, got order_id"):
        read_frame(warehouse, "shop", DAY, NEXT, item="order_id")  # type: ignore[arg-type]

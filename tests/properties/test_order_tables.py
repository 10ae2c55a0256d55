"""Shops whose order table is the truth: versions in any order of arrival end in the bytes of one load."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from ingestion.mapping import SourceMapping, parse_mapping
from ingestion.shops import Shop
from tests.properties.warehouse import Warehouse, assert_same_export

Row = dict[str, str]
COLUMNS = {
    "orders": ["order_id", "updated_at", "ordered_at", "customer_id", "status", "value"],
    "order_items": ["order_id", "line_number", "updated_at", "item_id", "price", "quantity"],
    "refunds": ["refund_id", "updated_at", "order_id", "refunded_at", "value"],
}


def _mapping(table: str) -> SourceMapping:
    times = {"updated_at", "ordered_at", "refunded_at"}
    columns = {name: {"column": name, "time": "iso"} if name in times else name for name in COLUMNS[table]}
    data = {"source": f"plain_{table}", "contract": table, "format": {"type": "csv"}, "columns": columns}
    return parse_mapping({**data, "arrival": {"rule": "event_day"}}, table)


def _order(order: str, updated: str, status: str, value: str = "30", ordered: str = "2026-03-10 09:00:00") -> Row:
    return {
        "order_id": order,
        "updated_at": f"2026-03-{updated} 12:00:00",
        "ordered_at": ordered,
        "customer_id": f"c-{order}",
        "status": status,
        "value": value,
    }


def _refund(refund: str, updated: str, order: str, value: str = "30") -> Row:
    when = f"2026-03-{updated} 12:00:00"
    return {"refund_id": refund, "updated_at": when, "order_id": order, "refunded_at": when, "value": value}


def _line(order: str, updated: str, number: str, quantity: str) -> Row:
    stamp = f"2026-03-{updated} 12:00:00"
    line = {"order_id": order, "line_number": number, "updated_at": stamp, "item_id": "only-sold-here"}
    return {**line, "price": "10", "quantity": quantity}


#: name -> deliveries, each a table and its rows
CASES: dict[str, list[tuple[str, list[Row]]]] = {
    "refund_moved_to_another_order": [
        ("orders", [_order("o1", "10", "paid"), _order("o2", "10", "paid")]),
        ("refunds", [_refund("r1", "11", "o1")]),
        ("refunds", [_refund("r1", "12", "o2")]),
        ("orders", [_order("o1", "13", "completed")]),
    ],
    "refund_before_its_order": [
        ("refunds", [_refund("r1", "12", "o1", "10")]),
        ("orders", [_order("o1", "10", "paid")]),
    ],
    "status_runs_through": [
        ("orders", [_order("o1", "10", "paid")]),
        ("orders", [_order("o1", "11", "shipped")]),
        ("orders", [_order("o1", "12", "refunded")]),
        ("orders", [_order("o1", "14", "refunded")]),
    ],
    "cancelled_then_touched_again": [
        ("orders", [_order("o1", "11", "cancelled")]),
        ("orders", [_order("o1", "13", "cancelled")]),
        ("orders", [_order("o1", "10", "paid")]),
    ],
    "line_changed": [
        ("orders", [_order("o1", "10", "paid")]),
        ("order_items", [_line("o1", "10", "1", "3"), _line("o1", "10", "2", "1")]),
        ("order_items", [_line("o1", "12", "1", "2")]),
    ],
}


def _land(warehouse: Warehouse, name: str, number: int, table: str, rows: Sequence[Row]) -> date:
    folder = warehouse.home / "landing"
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}-{number}-{table}.csv"
    with file.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS[table])
        writer.writeheader()
        writer.writerows(rows)
    warehouse.land([file], _mapping(table), Shop(name, "UTC", "EUR", "tables"))
    return date.fromisoformat(rows[0]["updated_at"][:10])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("whole"))
    for name, deliveries in CASES.items():
        for number, (table, rows) in enumerate(deliveries):
            _land(warehouse, name, number, table, rows)
    warehouse.build()
    return warehouse


@pytest.mark.parametrize("order", ["as written", "backwards"])
def test_any_order_of_arrival_ends_in_the_same_bytes(order: str, whole: Warehouse, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    queues = [
        [(name, number, *delivery) for number, delivery in enumerate(deliveries)] for name, deliveries in CASES.items()
    ]
    if order == "backwards":
        queues = [queue[::-1] for queue in queues]
    for step in itertools.zip_longest(*queues):
        days = {_land(warehouse, *delivery) for delivery in step if delivery}
        for day in sorted(days):
            warehouse.build(day)
    assert_same_export(warehouse.export(), whole.export())


def test_what_the_orders_come_to(whole: Warehouse) -> None:
    rows = whole.rows("select shop_id, order_id, status, refund_minor, units from marts.fct_orders order by 1, 2")
    assert rows == [
        ("cancelled_then_touched_again", "o1", "cancelled", 3000, None),
        ("line_changed", "o1", "completed", 0, 3),
        ("refund_before_its_order", "o1", "partially_refunded", 1000, None),
        ("refund_moved_to_another_order", "o1", "completed", 0, None),
        ("refund_moved_to_another_order", "o2", "refunded", 3000, None),
        ("status_runs_through", "o1", "refunded", 3000, None),
    ]
    taken = whole.rows(
        "select shop_id, movement_date from intermediate.int_order_movements "
        "where movement_type <> 'purchase' order by 1"
    )
    assert [(shop, str(day)) for shop, day in taken] == [
        ("cancelled_then_touched_again", "2026-03-11"),
        ("refund_before_its_order", "2026-03-12"),
        ("refund_moved_to_another_order", "2026-03-12"),
        ("status_runs_through", "2026-03-12"),
    ]


def test_a_product_that_only_an_order_line_names_is_a_product(whole: Warehouse) -> None:
    products = whole.rows("select item_id, attribute_source from marts.dim_products where shop_id = 'line_changed'")
    assert products == [("only-sold-here", "events")]

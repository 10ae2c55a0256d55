"""Shops whose order table is the truth: versions of orders, lines and refunds, each written on a day of March 2026."""

from __future__ import annotations

import csv
from datetime import date

from ingestion.mapping import SourceMapping, parse_mapping
from ingestion.shops import Shop
from tests.properties.histories import Topic
from tests.properties.warehouse import Warehouse

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


def _land(warehouse: Warehouse, day: date) -> None:
    folder = warehouse.home / "landing"
    folder.mkdir(exist_ok=True)
    for name, deliveries in CASES.items():
        for number, (table, rows) in enumerate(deliveries):
            if date.fromisoformat(rows[0]["updated_at"][:10]) == day:
                file = folder / f"{name}-{number}-{table}.csv"
                with file.open("w", newline="") as handle:
                    writer = csv.DictWriter(handle, COLUMNS[table])
                    writer.writeheader()
                    writer.writerows(rows)
                warehouse.land([file], _mapping(table), Shop(name, "UTC", "EUR", "tables"))


TOPIC = Topic(shops=list(CASES), land=_land)

"""Writing small logs and reading a lake back, for the ingestion tests."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import duckdb

from ingestion.lake import Lake
from ingestion.ledger import active_loads, pending_quarantine, read_ledger
from ingestion.mapping import parse_mapping
from ingestion.mapping_models import SourceMapping

FIELDS = ("id", "name", "at", "who", "sku", "price", "qty", "order")


def event_mapping(**changes: Any) -> SourceMapping:
    """A mapping of a small event log with its own ids; ``changes`` replace top-level keys."""
    data: dict[str, Any] = {
        "source": "small_log",
        "contract": "events",
        "format": {"type": "csv"},
        "event_id": "id",
        "columns": {
            "event_name": "name",
            "event_ts": {"column": "at", "time": "iso", "zone": "UTC"},
            "device_id": "who",
            "item_id": "sku",
            "price": "price",
            "quantity": "qty",
            "order_id": "order",
        },
        "arrival": {"rule": "event_day"},
    }
    data.update(changes)
    return parse_mapping({key: value for key, value in data.items() if value is not None}, "small_log.yml")


def keyed_mapping(identical_rows: str = "keep", **changes: Any) -> SourceMapping:
    """The same log where rows that share ``id`` are the items of one event."""
    return event_mapping(event_id=None, event_key=["id"], identical_rows=identical_rows, **changes)


def event(number: int, **changes: str) -> dict[str, str]:
    """One good row of the small log."""
    row = {
        "id": f"e{number}",
        "name": "view_item",
        "at": f"2024-03-{1 + number % 5:02d} 10:{number % 60:02d}:00",
        "who": f"visitor-{number % 7}",
        "sku": f"sku-{number % 3}",
        "price": "9.99",
        "qty": "1",
        "order": "",
    }
    return {**row, **changes}


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    """Rows as a CSV file with header."""
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: list[Any]) -> Path:
    """Rows as JSON lines (a ``str`` is written as it is), gzipped when the name says so."""
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def write_parquet(path: Path, query: str) -> Path:
    """A query's rows as a Parquet file."""
    with duckdb.connect() as connection:
        connection.sql(query).write_parquet(str(path))
    return path


def _committed(lake: Lake, table: str, load_ids: list[str], columns: str, order: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(
            f"SELECT {columns} FROM read_parquet(?, union_by_name = true, hive_partitioning = false) "
            f"WHERE list_contains(?, load_id) ORDER BY {order}",
            [lake.glob(table), load_ids],
        ).fetchall()


def lake_rows(lake: Lake, columns: str = "*", table: str = "events") -> list[tuple[Any, ...]]:
    """Rows of active loads, sorted by every column."""
    loads = [entry.load_id for entry in active_loads(read_ledger(lake))]
    return _committed(lake, table, loads, columns, "ALL")


def quarantine_rows(lake: Lake, columns: str = "source_row, reason_code, reasons, raw_text") -> list[tuple[Any, ...]]:
    """Quarantined rows that still wait."""
    loads = [entry.load_id for entry in pending_quarantine(read_ledger(lake))]
    return _committed(lake, "quarantine", loads, columns, "ALL")

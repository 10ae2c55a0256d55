"""Small files that a shop might drop, and what Footfall made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

MAPPING = """
source: tiny
contract: events
format: {type: jsonl}
columns:
  event_name: what
  event_ts: {column: at, time: iso}
  device_id: who
  item_id: item
  order_id: order
  price: {column: price}
  quantity: {column: qty}
  value: items_total
event_id: id
arrival: {rule: file_name, pattern: '(\\d{4}-\\d{2}-\\d{2})'}
"""


def visit(day: date, device: str, order: str | None = None, hour: int = 10) -> list[dict[str, Any]]:
    """One visit's rows: a page, a product, and a purchase where an order is named."""
    start = datetime(day.year, day.month, day.day, hour)
    rows = [
        {"what": "page_view", "at": start, "who": device},
        {"what": "view_item", "at": start + timedelta(minutes=1), "who": device, "item": "cup"},
    ]
    if order:
        at = start + timedelta(minutes=2)
        rows.append(
            {"what": "purchase", "at": at, "who": device, "item": "cup", "order": order, "price": 12.5, "qty": 2}
        )
    return [
        {**row, "at": row["at"].isoformat(), "id": f"{device}-{day}-{hour}-{number}"} for number, row in enumerate(rows)
    ]


def drop(home: Path, day: date, rows: Sequence[dict[str, Any]], folder: str = "tiny", name: str = "events") -> Path:
    """Put one day's file into the landing folder, with the mapping beside it."""
    source = home / "landing" / folder
    source.mkdir(parents=True, exist_ok=True)
    (source / "mapping.yml").write_text(MAPPING)
    path = source / f"{name}-{day}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path

"""Which events of the written logs a shop should accept, by rules spelled out in plain Python on purpose:
no code of the simulator's truth or of the platform."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ingestion.simulator import events as ev
from tests.simulator.written_shop import Written

_WORDS = dict(ev.KINDS)


def is_clean(event: dict[str, Any]) -> bool:
    """Whether the contract's rules let the event in."""
    if event.get("type") not in _WORDS:
        return False
    try:
        datetime.fromisoformat(event["time"])
    except ValueError:
        return False
    if event["type"] in ("order", "order_refund", "order_cancel") and "id" not in event.get("order", {}):
        return False
    return all(item["qty"] <= 1_000_000 for item in event.get("items", []))


def accepted_events(small: Written) -> list[dict[str, Any]]:
    """Clean events at their first delivery, if that was in time."""
    zone = ZoneInfo(small.config.timezone)
    seen: set[str] = set()
    found = []
    for day, event in small.events():
        if not is_clean(event) or event["id"] in seen:
            continue
        seen.add(event["id"])
        when = datetime.fromisoformat(event["time"])
        if -1 <= (day - when.astimezone(zone).date()).days <= 3:
            found.append({**event, "when": when.astimezone(UTC)})
    return found

"""Arrival days in batches that fit into memory: a run over years of a log takes them one after the other.

Increments end in what one load would have ended in, so where a run is cut makes no difference to what comes out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta

from ingestion.lake import Lake
from ingestion.ledger import active_loads, read_ledger


def rows_by_day(lake: Lake) -> Counter[date]:
    """Rows in the lake by arrival day, of all shops and tables; superseded loads are left out."""
    rows: Counter[date] = Counter()
    for entry in active_loads(read_ledger(lake)):
        for part in entry.arrival_days:
            rows[date.fromisoformat(part["day"])] += part["rows"]
    return rows


def batches(first: date, last: date, rows: Mapping[date, int], most_rows: int) -> list[tuple[date, date]]:
    """``first`` to ``last`` in as few spans of days as have about ``most_rows`` rows each, all of about one size.

    A day is never cut, so a batch has more rows where a day alone has. ``ValueError`` for ``most_rows`` under 1.
    """
    if most_rows < 1:
        raise ValueError(f"most_rows is {most_rows}, expected at least 1")
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    total = sum(rows.get(day, 0) for day in days)
    wanted = max(1, -(-total // most_rows))
    spans: list[tuple[date, date]] = []
    begun, before, shares = first, 0, 0
    for day in days:
        before += rows.get(day, 0)
        if before == total:
            break
        # a batch ends with the day on which the next share of all rows is full
        if before * wanted // total > shares:
            spans.append((begun, day))
            begun, shares = day + timedelta(days=1), before * wanted // total
    return [*spans, (begun, last)]

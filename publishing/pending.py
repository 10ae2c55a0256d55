"""Which arrival days still have to be processed: committed loads against what is published.

A day is done when the published ``audit_arrival_days`` names exactly the loads that touch it now, and
was computed with the shop's orders coming from where they come from now.
The state is nowhere but in the ledger and in the published files, so a run that died at any point
leaves its days pending.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from publishing.errors import MissingTable, NothingPublished
from publishing.reader import PublishedReader

_LEDGER_COLUMNS = (
    "{'load_id': 'VARCHAR', 'shop_id': 'VARCHAR', 'supersedes': 'VARCHAR[]', "
    "'arrival_days': 'STRUCT(day DATE, \"rows\" BIGINT)[]'}"
)

# The fingerprint is worded as in dbt_project/models/marts/audit/audit_arrival_days.sql.
_ACTIVE_DAYS = f"""
WITH ledger AS (
    SELECT * FROM read_json(?, format = 'auto', columns = {_LEDGER_COLUMNS}) WHERE load_id IS NOT NULL
),
superseded AS (SELECT DISTINCT unnest(supersedes) AS load_id FROM ledger),
load_days AS (
    SELECT shop_id, load_id, unnest(arrival_days).day AS arrival_date FROM ledger ANTI JOIN superseded USING (load_id)
)
SELECT shop_id, arrival_date,
    md5(max(orders_from) || ':' || string_agg(load_id, ',' ORDER BY load_id)) AS loads_fingerprint
FROM load_days JOIN read_parquet(?) USING (shop_id)
GROUP BY shop_id, arrival_date
"""


@dataclass(frozen=True, order=True)
class PendingDay:
    """One arrival day of one shop that is not published as the ledger has it, and why (in words)."""

    arrival_date: date
    shop_id: str
    reason: str


@dataclass(frozen=True)
class DayRange:
    """Arrival days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1


def pending_days(ledger: Path, published: Path, warehouse: Path | None = None) -> list[PendingDay]:
    """Days whose loads differ from those of the published version, oldest first.

    ``ledger`` is the folder of ledger entries. Where ``warehouse`` is given and does not exist, or a full
    refresh of it was begun and did not end, every day is pending: a run over a part of them would publish
    that part as if it were all. Raises ``BrokenPublication`` when a version is published and cannot be read.
    """
    connection, reader = _published(published)
    entries = sorted(str(path) for path in ledger.glob("*.json") if path.stat().st_size)
    try:
        active: dict[tuple[date, str], str] = {}
        if entries:
            rows = connection.execute(_ACTIVE_DAYS, [entries, str(ledger.parent / "shops.parquet")]).fetchall()
            active = {(day, shop): fingerprint for shop, day, fingerprint in rows}
        done: dict[tuple[date, str], str] = {}
        if reader is not None:
            rows = connection.execute(
                "SELECT shop_id, arrival_date, loads_fingerprint FROM audit_arrival_days"
            ).fetchall()
            done = {(day, shop): fingerprint for shop, day, fingerprint in rows}
    finally:
        connection.close()
    lost = warehouse is not None and not warehouse.is_file()
    refreshing = warehouse is not None and refresh_mark(warehouse).exists()
    found = []
    for day, shop in sorted(active.keys() | done.keys()):
        if (day, shop) not in done:
            found.append(PendingDay(day, shop, "has arrived and is not published"))
        elif (day, shop) not in active:
            found.append(PendingDay(day, shop, "is published, and all its loads were superseded"))
        elif active[day, shop] != done[day, shop]:
            found.append(PendingDay(day, shop, "is published without its newest loads or settings"))
        elif lost:
            found.append(PendingDay(day, shop, "is published, but the warehouse is gone"))
        elif refreshing:
            found.append(PendingDay(day, shop, "is published, but a full refresh of the warehouse did not end"))
    return found


def refresh_mark(warehouse: Path) -> Path:
    """The file that stands beside the warehouse while a full refresh of it goes on."""
    return warehouse.with_suffix(".refreshing")


def day_ranges(days: Iterable[date], join_gap: int = 0) -> list[DayRange]:
    """``days`` as ranges, oldest first; ranges with at most ``join_gap`` days between them become one."""
    ranges: list[DayRange] = []
    for day in sorted(set(days)):
        if ranges and day - ranges[-1].last <= timedelta(days=join_gap + 1):
            ranges[-1] = DayRange(ranges[-1].first, day)
        else:
            ranges.append(DayRange(day, day))
    return ranges


def between(days: Sequence[PendingDay], first: date | None, last: date | None) -> list[PendingDay]:
    """Those of ``days`` from ``first`` to ``last``, where an end is given."""
    return [
        day
        for day in days
        if (first is None or day.arrival_date >= first) and (last is None or day.arrival_date <= last)
    ]


def _published(published: Path) -> tuple[duckdb.DuckDBPyConnection, PublishedReader | None]:
    reader = PublishedReader(published)
    try:
        reader.require("audit_arrival_days")
        return reader.connect(), reader
    except (NothingPublished, MissingTable):
        return duckdb.connect(), None

"""The answer of `footfall status`, for people and for scripts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from ingestion.lake import Lake
from ingestion.landing import waiting_files
from ingestion.ledger import active_loads, pending_quarantine, read_ledger
from orchestration.alerts import Alert, open_alerts
from orchestration.health import DataAge, Trouble, age_of_data, find_troubles, waiting_days
from orchestration.settings import Settings
from publishing.errors import NothingPublished
from publishing.pending import PendingDay
from publishing.reader import PublishedReader


@dataclass(frozen=True)
class Status:
    """One look at an installation. Row counts are source rows of active loads."""

    home: str
    loads: int
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    rows_duplicate: int
    rows_skipped: int
    rows_in_quarantine: int
    quarantine_share: float
    waiting_files: int
    pending_days: list[PendingDay]
    published_version: str | None
    data_as_of: date | None
    published_tables: dict[str, int]
    data_ages: list[DataAge]
    troubles: list[Trouble]
    alerts: list[Alert]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def in_words(self) -> str:
        """A page for a person."""
        lines = [
            f"Home        {self.home}",
            f"Loads       {self.loads} active: {self.rows_read:,} rows read, {self.rows_accepted:,} accepted, "
            f"{self.rows_quarantined:,} quarantined, {self.rows_duplicate:,} duplicate, {self.rows_skipped:,} skipped",
            f"Quarantine  {self.rows_in_quarantine:,} rows wait for a replay ({self.quarantine_share:.2%} of all read)",
            f"Landing     {self.waiting_files} files wait",
            f"Pending     {self._pending_in_words()}",
            f"Published   {self.published_version or 'nothing yet'}"
            + (
                f", data as of {self.data_as_of}, {len(self.published_tables)} tables" if self.published_version else ""
            ),
        ]
        lines += [f"Newest day  {age.newest_day} of shop {age.shop_id}" for age in self.data_ages]
        lines += [f"Look at     {trouble.words}" for trouble in self.troubles]
        lines += [f"Alert       since {alert.at}: {alert.words}" for alert in self.alerts]
        return "\n".join(lines)

    def _pending_in_words(self) -> str:
        if not self.pending_days:
            return "no days"
        first, last = self.pending_days[0], self.pending_days[-1]
        return f"{len(self.pending_days)} arrival days from {first.arrival_date} to {last.arrival_date}: `footfall run`"


def status_of(settings: Settings, now: datetime) -> Status:
    """Look at ledger, landing folder, published files and alerts. ``PublishingError`` where they are broken."""
    ledger = read_ledger(Lake(settings.lake))
    active = active_loads(ledger)
    waiting = sum(entry.rows_quarantined for entry in pending_quarantine(ledger))
    read = sum(entry.rows_read for entry in active)
    try:
        manifest = PublishedReader(settings.published).manifest
    except NothingPublished:
        manifest = None
    return Status(
        home=str(settings.home),
        loads=len(active),
        rows_read=read,
        rows_accepted=sum(entry.rows_accepted for entry in active),
        rows_quarantined=sum(entry.rows_quarantined for entry in active),
        rows_duplicate=sum(entry.rows_duplicate for entry in active),
        rows_skipped=sum(entry.rows_skipped for entry in active),
        rows_in_quarantine=waiting,
        quarantine_share=waiting / read if read else 0.0,
        waiting_files=len(waiting_files(settings.landing, settings.shops)),
        pending_days=waiting_days(settings),
        published_version=manifest.version if manifest else None,
        data_as_of=manifest.data_as_of if manifest else None,
        published_tables={name: table.rows for name, table in manifest.tables.items()} if manifest else {},
        data_ages=age_of_data(settings, now),
        troubles=find_troubles(settings, now),
        alerts=open_alerts(settings.alerts),
    )

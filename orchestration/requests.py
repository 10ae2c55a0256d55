"""From pending days to run requests: one run per stretch of days, never the same work asked for twice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date

from orchestration.settings import Settings
from publishing.pending import DayRange, PendingDay, between, day_ranges

#: Fixed reach of a run beyond its days (`reach` in dbt_project/macros/engine/arrival_window.sql): days
#: closer together than this are rewritten by each other's runs anyway, so one run costs no more.
_REACH_DAYS = 6


def pending_ranges(settings: Settings, days: Sequence[PendingDay]) -> list[DayRange]:
    """The stretches of ``days`` worth a run each, oldest first."""
    return day_ranges((day.arrival_date for day in days), join_gap=settings.late_days + _REACH_DAYS)


def split_by_history(settings: Settings, days: Sequence[PendingDay]) -> tuple[list[PendingDay], list[PendingDay]]:
    """``days`` that are partitions, and those before ``history_start``, which no run can be asked for."""
    inside = between(days, settings.history_start, None)
    return inside, [day for day in days if day.arrival_date < settings.history_start]


def run_key(days: Sequence[PendingDay], span: DayRange, versions: str) -> str:
    """A key that stays the same until the work does: the range, its pending days, and ``versions`` (the
    fingerprint of the ledger), so that a failed run is not asked for again until something has changed."""
    listed = [f"{day.shop_id} {day.arrival_date} {day.reason}" for day in days if within(day.arrival_date, span)]
    digest = hashlib.sha256("\n".join([versions, *listed]).encode()).hexdigest()[:16]
    return f"{span.first}_{span.last}_{digest}"


def within(day: date, span: DayRange) -> bool:
    """Whether ``day`` lies in ``span``."""
    return span.first <= day <= span.last


def ledger_fingerprint(settings: Settings) -> str:
    """Changes with every load: a hash over the names of the ledger's entries, which are content hashes."""
    names = sorted(path.name for path in (settings.lake / "ledger").glob("*.json"))
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]

"""The one partitioning: arrival days, in the default shop's time zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import dagster as dg

from orchestration.settings import Settings

RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
PARTITION_TAG = "dagster/partition"
#: Set to "true" on a run that rebuilds every table instead of rewriting a window.
FULL_REFRESH_TAG = "footfall/full_refresh"


def arrival_days(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Arrival days from ``history_start``; today's partition exists, since its files arrive today."""
    return dg.DailyPartitionsDefinition(
        start_date=settings.history_start.isoformat(), timezone=settings.timezone, end_offset=1
    )


def range_tags(first: date, last: date) -> dict[str, str]:
    """Run tags that make one run of all arrival days from ``first`` to ``last``."""
    return {RANGE_START_TAG: first.isoformat(), RANGE_END_TAG: last.isoformat()}


def tagged_days(tags: Mapping[str, str]) -> tuple[date, date] | None:
    """First and last arrival day of the run that has ``tags``; None for a run that is about no day."""
    first = tags.get(RANGE_START_TAG) or tags.get(PARTITION_TAG)
    last = tags.get(RANGE_END_TAG) or tags.get(PARTITION_TAG)
    return (date.fromisoformat(first), date.fromisoformat(last)) if first and last else None


def run_days(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last arrival day that this run is about."""
    keys = context.partition_key_range
    return date.fromisoformat(keys.start), date.fromisoformat(keys.end)

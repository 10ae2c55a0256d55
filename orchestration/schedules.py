"""The daily schedule and the weekly one that learns models anew. Nothing else runs by the clock but the sensors."""

# No `from __future__ import annotations` here: Dagster reads the functions' annotations as objects.
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from orchestration.health import waiting_days
from orchestration.jobs import DAILY, RETRAIN
from orchestration.partitions import range_tags
from orchestration.requests import pending_ranges, split_by_history
from orchestration.settings import Settings
from publishing.pending import between


def build_daily_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Every day at ``daily_hour`` of the shop: all pending days up to yesterday, a run per stretch of days."""

    @dg.schedule(
        job_name=DAILY,
        name="daily_schedule",
        cron_schedule=f"0 {settings.daily_hour} * * *",
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Runs the arrival days up to yesterday that are loaded and not published as they are now.",
    )
    def daily_schedule(
        context: dg.ScheduleEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        at = context.scheduled_execution_time
        yesterday = at.astimezone(ZoneInfo(settings.timezone)).date() - timedelta(days=1)
        days, before = split_by_history(settings, waiting_days(settings))
        for day in before[:1]:
            context.log.warning(
                f"{len(before)} arrival days from {day.arrival_date} lie before FOOTFALL_HISTORY_START "
                f"({settings.history_start}) and cannot be run."
            )
        spans = pending_ranges(settings, between(days, None, yesterday))
        if not spans:
            yield dg.SkipReason(f"Every arrival day up to {yesterday} is published.")
        for span in spans:
            yield dg.RunRequest(
                run_key=f"schedule_{at.isoformat()}_{span.first}", tags=range_tags(span.first, span.last)
            )

    return daily_schedule


def build_retrain_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Once a week, two hours after the daily run; drift and age also make the daily run learn a model anew."""
    return dg.ScheduleDefinition(
        name="retrain_schedule",
        job_name=RETRAIN,
        cron_schedule=f"0 {(settings.daily_hour + 2) % 24} * * {settings.retrain_weekday}",
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Learns every model anew and lets it contest the one that serves.",
    )

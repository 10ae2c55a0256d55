"""Run arrival days, or learn the models anew, through Dagster in this process; runs show in the UI like any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from orchestration.dagster_home import PROCESS_TAG, open_instance, this_process
from orchestration.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterEvent, ExecuteInProcessResult


class DayOutOfHistory(ValueError):
    """A day was asked for that is no partition: before ``history_start`` or after today."""


@dataclass(frozen=True)
class Outcome:
    """One run: its id in the UI, whether it succeeded, and what failed, in words."""

    run_id: str
    success: bool
    failures: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class RunOutcome(Outcome):
    """A run over arrival days ``first`` to ``last``."""

    first: date
    last: date


def run_days(
    settings: Settings,
    first: date,
    last: date,
    full_refresh: bool = False,
    say: Callable[[str], None] | None = None,
) -> RunOutcome:
    """One run over the arrival days ``first`` to ``last``: load, both dbt steps, models, checks, publish.

    ``say`` hears of each step that starts. Raises ``DayOutOfHistory``; a step that fails is told in the
    outcome, and nothing of that run is then published.
    """
    from orchestration.definitions import build_defs
    from orchestration.jobs import DAILY
    from orchestration.partitions import FULL_REFRESH_TAG, arrival_days, range_tags
    from orchestration.progress import TOLD, told_to

    with open_instance(settings) as instance:
        partitions = arrival_days(settings)
        for day in (first, last):
            if not partitions.has_partition_key(day.isoformat()):
                raise DayOutOfHistory(
                    f"{day} is no arrival day: expected {settings.history_start} (FOOTFALL_HISTORY_START) to today"
                )
        job = build_defs(settings=settings).resolve_job_def(DAILY)
        # The daemon must not start it again elsewhere when this process dies: the days stay pending instead.
        tags = {**range_tags(first, last), PROCESS_TAG: this_process(), "dagster/max_retries": "0"}
        if full_refresh:
            tags[FULL_REFRESH_TAG] = "true"
        with told_to(say):
            result = job.execute_in_process(run_config=TOLD, instance=instance, tags=tags, raise_on_error=False)
    return RunOutcome(result.run_id, result.success, _failures(result), _warnings(result), first, last)


def run_retrain(settings: Settings, shop_id: str | None = None, say: Callable[[str], None] | None = None) -> Outcome:
    """One run of the job ``retrain``: learn every model anew (of ``shop_id`` alone where given), score, check, publish.

    ``say`` hears of each step that starts. A step that fails is told in the outcome, and nothing is then published.
    """
    from orchestration.assets.models import RETRAIN_SHOP_TAG
    from orchestration.definitions import build_defs
    from orchestration.jobs import RETRAIN
    from orchestration.progress import TOLD, told_to

    with open_instance(settings) as instance:
        job = build_defs(settings=settings).resolve_job_def(RETRAIN)
        tags = {PROCESS_TAG: this_process(), "dagster/max_retries": "0"}
        if shop_id is not None:
            tags[RETRAIN_SHOP_TAG] = shop_id
        with told_to(say):
            result = job.execute_in_process(run_config=TOLD, instance=instance, tags=tags, raise_on_error=False)
    return Outcome(result.run_id, result.success, _failures(result), _warnings(result))


def _failures(result: ExecuteInProcessResult) -> tuple[str, ...]:
    """Failed steps and failed checks, each in the words they gave."""
    words = []
    for event in result.all_events:
        if event.is_step_failure:
            words.append(f"{event.step_key}: {_cause(event)}")
    for check in result.get_asset_check_evaluations():
        if not check.passed and check.severity.value == "ERROR":
            words.append(
                f"check {check.check_name} of {check.asset_key.to_user_string()}: {check.description or 'failed'}"
            )
    return tuple(words)


def _warnings(result: ExecuteInProcessResult) -> tuple[str, ...]:
    return tuple(
        f"{check.check_name} of {check.asset_key.to_user_string()}: {check.description or 'not passed'}"
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.severity.value == "WARN"
    )


def _cause(event: DagsterEvent) -> str:
    """What a person can act on: the failure's own words where it has some, else the innermost error."""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else "failed without a message"

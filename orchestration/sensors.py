"""The two sensors: files that arrive, and an installation that has stopped being well."""

# No `from __future__ import annotations` here: Dagster reads the functions' annotations as objects.
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from ingestion.landing import WaitingFile, waiting_files
from orchestration.alerts import update_alerts
from orchestration.health import find_troubles, waiting_days
from orchestration.jobs import DAILY, INGEST, UnresolvedAssetJobDefinition, ingest
from orchestration.partitions import range_tags
from orchestration.requests import ledger_fingerprint, pending_ranges, run_key, split_by_history
from orchestration.settings import Settings

_BUSY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def build_landing_sensor(daily: UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """Watches ``landing/<source>/``: settled files are loaded, then the days they touched are run."""

    @dg.sensor(
        name="landing_sensor",
        jobs=[daily, ingest],
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Loads files once they have stopped growing, then asks for the days they touched.",
    )
    def landing_sensor(
        context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> dg.SensorResult | dg.SkipReason:
        seen = read_cursor(context.cursor)
        waiting = waiting_files(settings.landing, settings.shops)
        now = {file.name: file.fingerprint for file in waiting}
        # A file that changed since the last look is still being copied.
        settled = [file for file in waiting if seen.files.get(file.name) == file.fingerprint]
        asked = files_key(settled) if settled else None
        cursor = Cursor(now, asked or seen.asked).to_json()
        # Files that could not be loaded go on waiting; they must not keep the days of the others waiting.
        if asked is not None and asked != seen.asked:
            return dg.SensorResult(run_requests=[dg.RunRequest(run_key=asked, job_name=INGEST)], cursor=cursor)
        busy = context.instance.get_run_records(dg.RunsFilter(statuses=_BUSY), limit=1)
        days, _ = split_by_history(settings, waiting_days(settings))
        if busy or not days:
            found = f"{len(waiting)} files wait, still changing or unreadable." if waiting else "No new files."
            tail = " A run is under way." if busy else " Every arrival day is published."
            return dg.SensorResult(skip_reason=found + tail, cursor=cursor)
        versions = ledger_fingerprint(settings)
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_key=run_key(days, span, versions), job_name=DAILY, tags=range_tags(span.first, span.last)
                )
                for span in pending_ranges(settings, days)
            ],
            cursor=cursor,
        )

    return landing_sensor


def build_freshness_sensor() -> dg.SensorDefinition:
    """Looks at the data, not at the runs; raises each alert once and clears it once."""

    @dg.sensor(
        name="freshness_sensor",
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Raises an alert when data are old, days stay unpublished or much is quarantined; clears it after.",
    )
    def freshness_sensor(context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]) -> dg.SkipReason:
        now = datetime.now(UTC)
        added = update_alerts(settings.alerts, find_troubles(settings, now), now)
        for alert in added:
            say = context.log.warning if alert.event == "raised" else context.log.info
            say(f"Alert {alert.event}: {alert.words}")
        listed = "; ".join(f"{alert.event} {alert.name}" for alert in added)
        return dg.SkipReason(listed or "Nothing has changed since the last look.")

    return freshness_sensor


@dataclass(frozen=True)
class Cursor:
    """What the landing sensor remembers: the waiting ``files`` (name -> fingerprint) at its last look, and
    the run key it ``asked`` for last."""

    files: dict[str, str]
    asked: str | None

    def to_json(self) -> str:
        """The cursor as Dagster keeps it."""
        return json.dumps({"files": self.files, "asked": self.asked}, sort_keys=True)


def read_cursor(cursor: str | None) -> Cursor:
    """The cursor of the last look; an empty one where it is missing or not ours."""
    try:
        known = json.loads(cursor or "{}")
        return Cursor(dict(known.get("files", {})), known.get("asked"))
    except (ValueError, TypeError, AttributeError):
        return Cursor({}, None)


def files_key(files: list[WaitingFile]) -> str:
    """The run key of these files as they are: the same files never ask twice, a rewritten one asks again."""
    listed = "\n".join(f"{file.name} {file.fingerprint}" for file in files)
    return f"{len(files)}_files_{hashlib.sha256(listed.encode()).hexdigest()[:20]}"

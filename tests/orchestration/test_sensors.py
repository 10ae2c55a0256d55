"""Ticks of the sensors and of the schedule: what they ask for, and that they never ask twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ingestion.lake import Lake
from orchestration import health
from orchestration.alerts import read_alerts
from orchestration.definitions import build_defs
from orchestration.landing import sweep
from orchestration.requests import pending_ranges, run_key
from orchestration.settings import Settings
from publishing.pending import DayRange, PendingDay
from tests.orchestration.small_shop import drop, visit

DAY = date(2025, 3, 10)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


class Ticks:
    """A sensor or schedule that is looked at again and again, with its cursor kept."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.repository = build_defs(settings=settings).get_repository_def()
        self.settings = settings
        self.instance = instance
        self.cursor: str | None = None

    def sensor(self, name: str) -> list[dg.RunRequest]:
        context = dg.build_sensor_context(
            self.instance, cursor=self.cursor, resources={"settings": self.settings}, repository_def=self.repository
        )
        sensor: Any = self.repository.get_sensor_def(name)
        result = sensor.evaluate_tick(context)
        self.cursor = result.cursor
        self.skipped = result.skip_message
        return list(result.run_requests)

    def schedule(self, at: datetime) -> list[dg.RunRequest]:
        context = dg.build_schedule_context(
            self.instance,
            scheduled_execution_time=at,
            resources={"settings": self.settings},
            repository_def=self.repository,
        )
        result = self.repository.get_schedule_def("daily_schedule").evaluate_tick(context)
        self.skipped = result.skip_message
        return list(result.run_requests or [])


@pytest.fixture
def ticks(settings: Settings, instance: dg.DagsterInstance, dbt_manifest: Path) -> Ticks:
    return Ticks(settings, instance)


def load(settings: Settings) -> None:
    sweep(settings, Lake(settings.lake), lambda words: None)


def test_a_file_is_loaded_once_it_has_stopped_growing(ticks: Ticks) -> None:
    home = ticks.settings.home
    assert ticks.sensor("landing_sensor") == []
    drop(home, DAY, visit(DAY, "d1"))
    assert ticks.sensor("landing_sensor") == [], "seen for the first time: it may still be growing"
    drop(home, DAY, visit(DAY, "d1") + visit(DAY, "d2"))
    assert ticks.sensor("landing_sensor") == [], "it has grown since"
    [request] = ticks.sensor("landing_sensor")
    assert request.job_name == "ingest"
    assert ticks.sensor("landing_sensor") == [], "the same file was asked for a second time"


def test_a_rewritten_file_gets_another_run_key(ticks: Ticks) -> None:
    home = ticks.settings.home
    keys = []
    for devices in (["d1"], ["d1", "d2"]):
        drop(home, DAY, [row for device in devices for row in visit(DAY, device)])
        ticks.sensor("landing_sensor")
        keys += [request.run_key for request in ticks.sensor("landing_sensor")]
    assert len(set(keys)) == 2


def test_after_the_load_the_days_it_touched_are_asked_for(ticks: Ticks) -> None:
    drop(ticks.settings.home, DAY, visit(DAY, "d1"))
    drop(ticks.settings.home, DAY + timedelta(days=1), visit(DAY + timedelta(days=1), "d1"))
    load(ticks.settings)
    [request] = ticks.sensor("landing_sensor")
    assert request.job_name == "daily"
    assert request.tags["dagster/asset_partition_range_start"] == "2025-03-10"
    assert request.tags["dagster/asset_partition_range_end"] == "2025-03-11"
    [again] = ticks.sensor("landing_sensor")
    assert again.run_key == request.run_key, "Dagster drops the second request by its key"
    drop(ticks.settings.home, DAY, visit(DAY, "d9"), name="more")
    load(ticks.settings)
    [changed] = ticks.sensor("landing_sensor")
    assert changed.run_key != request.run_key, "a new load of a pending day is new work"


def test_an_unreadable_file_does_not_keep_days_waiting(ticks: Ticks) -> None:
    drop(ticks.settings.home, DAY, visit(DAY, "d1"))
    load(ticks.settings)
    (ticks.settings.landing / "nobody").mkdir()
    (ticks.settings.landing / "nobody" / "x.csv").write_text("a\n")
    ticks.sensor("landing_sensor")
    assert [request.job_name for request in ticks.sensor("landing_sensor")] == ["ingest"]
    assert [request.job_name for request in ticks.sensor("landing_sensor")] == ["daily"]


def test_while_a_run_is_under_way_none_is_asked_for(ticks: Ticks) -> None:
    drop(ticks.settings.home, DAY, visit(DAY, "d1"))
    load(ticks.settings)
    ticks.instance.add_run(dg.DagsterRun(job_name="daily", status=dg.DagsterRunStatus.STARTED))
    assert ticks.sensor("landing_sensor") == []
    assert "A run is under way" in (ticks.skipped or "")


def test_a_cursor_that_is_not_ours_is_an_empty_one(ticks: Ticks) -> None:
    drop(ticks.settings.home, DAY, visit(DAY, "d1"))
    ticks.cursor = "[1, 2"
    assert ticks.sensor("landing_sensor") == []
    assert [request.job_name for request in ticks.sensor("landing_sensor")] == ["ingest"]


def test_the_schedule_runs_pending_days_up_to_yesterday(ticks: Ticks) -> None:
    at = datetime(2025, 3, 12, 3, tzinfo=UTC)
    for day in (DAY, DAY + timedelta(days=1), DAY + timedelta(days=2), DAY - timedelta(days=60)):
        drop(ticks.settings.home, day, visit(day, "d1"))
    assert ticks.schedule(at) == [], "nothing is loaded yet"
    load(ticks.settings)
    spans = [
        (request.tags["dagster/asset_partition_range_start"], request.tags["dagster/asset_partition_range_end"])
        for request in ticks.schedule(at)
    ]
    assert spans == [("2025-01-09", "2025-01-09"), ("2025-03-10", "2025-03-11")], "today is not over"


def test_days_before_the_history_are_left_out(ticks: Ticks) -> None:
    drop(ticks.settings.home, date(2001, 1, 1), visit(date(2001, 1, 1), "d1"))
    load(ticks.settings)
    assert ticks.schedule(datetime(2025, 3, 12, 3, tzinfo=UTC)) == []


def test_alerts_are_raised_and_cleared_by_the_sensor(ticks: Ticks, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(ticks.settings.home, DAY, visit(DAY, "d1"))
    load(ticks.settings)
    ticks.sensor("freshness_sensor")
    ticks.sensor("freshness_sensor")
    [alert] = read_alerts(ticks.settings.alerts)
    assert (alert.event, alert.name) == ("raised", "pending_days")
    assert "the oldest 2025-03-10 of shop main" in alert.words
    monkeypatch.setattr(health, "waiting_days", lambda settings: [])
    ticks.sensor("freshness_sensor")
    ticks.sensor("freshness_sensor")
    assert [alert.event for alert in read_alerts(ticks.settings.alerts)] == ["raised", "cleared"]


def test_a_load_full_of_bad_rows_is_a_trouble(settings: Settings) -> None:
    bad = [{**row, "what": "no such thing"} for row in visit(DAY, "d1")]
    drop(settings.home, DAY, bad)
    load(settings)
    names = [trouble.name for trouble in health.find_troubles(settings, datetime(2025, 3, 10, 12, tzinfo=UTC))]
    assert names == ["quarantine"]


def test_days_closer_than_a_run_reaches_become_one_range(settings: Settings) -> None:
    days = [PendingDay(date(2025, 1, day), "main", "new") for day in (1, 8, 30)]
    assert pending_ranges(settings, days) == [
        DayRange(date(2025, 1, 1), date(2025, 1, 8)),
        DayRange(date(2025, 1, 30), date(2025, 1, 30)),
    ]


def test_the_run_key_changes_with_the_work_and_not_otherwise() -> None:
    span = DayRange(date(2025, 1, 1), date(2025, 1, 2))
    days = [PendingDay(date(2025, 1, 1), "main", "new")]
    far = PendingDay(date(2025, 6, 1), "main", "new")
    key = run_key(days, span, "ledger")
    assert run_key([*days, far], span, "ledger") == key
    assert run_key([*days, PendingDay(date(2025, 1, 2), "main", "new")], span, "ledger") != key
    assert run_key(days, span, "another ledger") != key

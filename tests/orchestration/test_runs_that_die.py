"""Runs that fail or are killed: nothing of them is published, nothing keeps the next run waiting."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from click.testing import Result
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.dagster_home import PROCESS_TAG, clear_dead_runs, is_alive, open_instance, this_process
from orchestration.health import waiting_days
from orchestration.mart_specs import read_manifest
from orchestration.settings import Settings, load_settings
from publishing import PublishedReader, export_table
from tests.orchestration.small_shop import drop, visit

ROOT = Path(__file__).parents[2]
DAY = date(2025, 3, 10)
LATER = date(2025, 3, 11)


@pytest.fixture(scope="module")
def first_day(dbt_manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which one day is published and the next day's file waits; tests work on copies."""
    home = tmp_path_factory.mktemp("first_day") / "home"
    drop(home, DAY, visit(DAY, "d1", order="o1") + visit(DAY, "d2", hour=23))
    done = run_in(home)
    assert done.exit_code == 0, done.output
    drop(home, LATER, visit(LATER, "d1", order="o2") + visit(LATER, "d2", hour=0))
    return home


@dataclass(frozen=True)
class Mended:
    """A home whose second day's run failed, and what a full refresh published of it afterwards."""

    settings: Settings
    failed: Result
    version_before: str
    version_after_failure: str
    waiting_after_failure: list[date]
    tables: dict[str, bytes]


@pytest.fixture(scope="module")
def mended(first_day: Path, tmp_path_factory: pytest.TempPathFactory) -> Mended:
    """The second day's run meets a mart in another shape than its model says; a full refresh makes it good."""
    folder = tmp_path_factory.mktemp("mended")
    settings = load_settings(home=Path(shutil.copytree(first_day, folder / "home")))
    before = PublishedReader(settings.published).version
    # dbt stops where it cannot write
    with duckdb.connect(settings.warehouse) as connection:
        connection.execute("ALTER TABLE marts.fct_sessions RENAME COLUMN session_id TO id_of_session")
    failed = run_in(settings.home)
    after, waiting = PublishedReader(settings.published).version, waiting_days(settings)
    done = run_in(settings.home, "--full-refresh")
    assert done.exit_code == 0, done.output
    tables = exported(settings.home, folder / "tables")
    return Mended(settings, failed, before, after, [day.arrival_date for day in waiting], tables)


@pytest.fixture
def copied(first_day: Path, settings: Settings) -> Settings:
    """Settings of a home of its own, as `first_day` left it."""
    shutil.copytree(first_day, settings.home, dirs_exist_ok=True)
    return settings


def run_in(home: Path, *arguments: str) -> Result:
    """`footfall run` in a home, without touching this process's environment."""
    with pytest.MonkeyPatch.context() as patch:
        for key, value in load_settings(home=home).environment().items():
            patch.setenv(key, value)
        patch.setenv("DAGSTER_HOME", "")
        return CliRunner().invoke(app, ["run", *arguments])


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    with open_instance(settings) as instance:
        yield instance


def killed_process() -> str:
    """The name of a process that has ended."""
    code = "from orchestration.dagster_home import this_process; print(this_process())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_process_knows_itself_and_the_dead() -> None:
    assert is_alive(this_process())
    assert not is_alive(killed_process())
    pid = this_process().split(":")[0]
    assert not is_alive(f"{pid}:1"), "the same id, taken again by another process"


def test_runs_of_dead_processes_are_failed_and_give_their_slots_back(instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    storage.set_concurrency_slots("duckdb", 1)
    for number, process in enumerate((killed_process(), this_process())):
        run = dg.DagsterRun(
            job_name="daily", run_id=f"0000000{number}", status=dg.DagsterRunStatus.STARTED, tags={PROCESS_TAG: process}
        )
        instance.add_run(run)
    assert storage.claim_concurrency_slot("duckdb", "00000000", "dbt_daily").is_claimed
    assert not storage.claim_concurrency_slot("duckdb", "00000001", "dbt_daily").is_claimed
    assert clear_dead_runs(instance) == ["00000000"]
    statuses = {run.run_id: run.status for run in instance.get_runs()}
    assert statuses == {"00000000": dg.DagsterRunStatus.FAILURE, "00000001": dg.DagsterRunStatus.STARTED}
    assert storage.claim_concurrency_slot("duckdb", "00000001", "dbt_daily").is_claimed


def test_a_run_that_fails_says_why_and_publishes_nothing(mended: Mended) -> None:
    assert mended.failed.exit_code == 1
    assert "Nothing of this run was published" in mended.failed.stderr
    assert "fct_sessions" in mended.failed.stderr
    assert mended.version_after_failure == mended.version_before
    assert mended.waiting_after_failure == [LATER]
    assert waiting_days(mended.settings) == []
    assert PublishedReader(mended.settings.published).version != mended.version_before


def kill(home: Path, point: str, *arguments: str) -> None:
    """`footfall run` in a process of its own that is killed at ``point``."""
    environment = {**os.environ, "FOOTFALL_HOME": str(home), "FOOTFALL_CRASH_AT": point, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "from orchestration.cli import main; main()", "run", *arguments]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, f"{point} was not reached: {done.stderr}"


def exported(home: Path, folder: Path) -> dict[str, bytes]:
    """Every published table as ordered text."""
    reader = PublishedReader(home / "published")
    folder.mkdir()
    found = {}
    for name in reader.manifest.tables:
        path = folder / f"{name}.csv"
        export_table(reader, name, path)
        found[name] = path.read_bytes()
    return found


POINTS = [
    "dbt:node#14",
    pytest.param("ingest:renamed", marks=pytest.mark.long),
    pytest.param("ingest:after_ledger", marks=pytest.mark.long),
    pytest.param("dbt:node#3", marks=pytest.mark.long),
    pytest.param("dbt:node#30", marks=pytest.mark.long),
    pytest.param("dbt:node#60", marks=pytest.mark.long),
    pytest.param("publish:file#2", marks=pytest.mark.long),
    pytest.param("publish:before_manifest", marks=pytest.mark.long),
    pytest.param("publish:before_pointer", marks=pytest.mark.long),
    pytest.param("publish:after_pointer", marks=pytest.mark.long),
]


@pytest.mark.parametrize("point", POINTS)
def test_after_a_kill_the_next_run_ends_in_the_bytes_of_a_full_refresh(
    copied: Settings, tmp_path: Path, mended: Mended, point: str
) -> None:
    kill(copied.home, point)
    done = run_in(copied.home)
    assert done.exit_code == 0, done.output
    assert exported(copied.home, tmp_path / "tables") == mended.tables


def test_a_full_refresh_that_dies_between_its_batches_is_begun_anew(
    copied: Settings, tmp_path: Path, mended: Mended, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a batch a day the first one's tables stand in a warehouse that lacks the second's."""
    monkeypatch.setenv("FOOTFALL_BATCH_ROWS", "1")
    in_a_batch = [
        node
        for node in read_manifest()["nodes"].values()
        if node["resource_type"] in ("model", "seed")
        and node["config"]["materialized"] != "ephemeral"
        and "whole" not in node["config"]["tags"]
    ]
    kill(copied.home, f"dbt:node#{len(in_a_batch) + 9}", "--full-refresh")
    waiting = waiting_days(copied)
    assert [(day.arrival_date, "full refresh" in day.reason) for day in waiting] == [(DAY, True), (LATER, False)]
    done = run_in(copied.home)
    assert done.exit_code == 0, done.output
    assert waiting_days(copied) == []
    assert exported(copied.home, tmp_path / "tables") == mended.tables

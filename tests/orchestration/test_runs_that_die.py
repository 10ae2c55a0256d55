"""Runs that fail or are killed: nothing of them is published, nothing keeps the next run waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.dagster_home import PROCESS_TAG, clear_dead_runs, is_alive, open_instance, this_process
from orchestration.health import waiting_days
from orchestration.settings import Settings
from publishing import PublishedReader, export_table
from tests.orchestration.small_shop import drop, visit

ROOT = Path(__file__).parents[2]
DAY = date(2025, 3, 10)
LATER = date(2025, 3, 11)


def footfall(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


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


def test_a_run_that_fails_says_why_and_publishes_nothing(settings: Settings, dbt_manifest: Path) -> None:
    drop(settings.home, DAY, visit(DAY, "d1", order="o1"))
    done = footfall("run")
    assert done.exit_code == 0, done.output
    before = PublishedReader(settings.published).version
    drop(settings.home, LATER, visit(LATER, "d1"))
    # A table of that name in another shape: dbt stops at the mart that it cannot write.
    import duckdb

    with duckdb.connect(settings.warehouse) as connection:
        connection.execute("ALTER TABLE marts.fct_sessions RENAME COLUMN session_id TO id_of_session")
    failed = footfall("run")
    assert failed.exit_code == 1
    assert "Nothing of this run was published" in failed.stderr
    assert "fct_sessions" in failed.stderr
    assert PublishedReader(settings.published).version == before
    assert [day.arrival_date for day in waiting_days(settings)] == [LATER]
    mended = footfall("run", "--full-refresh")
    assert mended.exit_code == 0, mended.output
    assert waiting_days(settings) == []


def kill(home: Path, point: str) -> None:
    """`footfall run` in a process of its own that is killed at ``point``."""
    environment = {**os.environ, "FOOTFALL_HOME": str(home), "FOOTFALL_CRASH_AT": point, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "from orchestration.cli import main; main()", "run"]
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
def test_after_a_kill_the_next_run_ends_in_the_bytes_of_an_undisturbed_one(
    settings: Settings, tmp_path: Path, dbt_manifest: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    killed, quiet = settings.home, tmp_path / "quiet"
    for home in (killed, quiet):
        drop(home, DAY, visit(DAY, "d1", order="o1") + visit(DAY, "d2", hour=23))
        monkeypatch.setenv("FOOTFALL_HOME", str(home))
        assert footfall("run").exit_code == 0
        drop(home, LATER, visit(LATER, "d1", order="o2") + visit(LATER, "d2", hour=0))
    kill(killed, point)
    for home in (killed, quiet):
        monkeypatch.setenv("FOOTFALL_HOME", str(home))
        done = footfall("run")
        assert done.exit_code == 0, done.output
    assert exported(killed, tmp_path / "a") == exported(quiet, tmp_path / "b")

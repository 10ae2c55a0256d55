"""Kill -9 at every named point of a load: what is left does not count, and running again ends in the same lake."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingestion.lake import Lake
from ingestion.ledger import read_ledger
from tests.ingestion.lake_contents import event, lake_rows, quarantine_rows, write_csv

REPOSITORY = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("load_in_a_process.py")
POINTS = [
    "ingest:staged",
    "ingest:renamed",
    "ingest:renamed#3",
    "ingest:renamed#6",
    "ingest:before_ledger",
    "ingest:after_ledger",
]


def run(lake: Path, file: Path, crash_at: str = "", day: int = 1) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "FOOTFALL_CRASH_AT": crash_at}
    command = [sys.executable, str(SCRIPT), str(lake), str(file), str(day)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def content(lake: Lake) -> tuple[list[Any], list[Any]]:
    return lake_rows(lake), quarantine_rows(lake, "*")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Rows of five arrival days and a bad one with a day and a bad one without."""
    rows = [event(number % 30, sku=f"s{number}") for number in range(60)]
    return write_csv(tmp_path / "log.csv", [*rows, event(70, qty="?"), event(71, at="never")])


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_load_counts_not_at_all_and_then_ends_like_an_undisturbed_one(
    tmp_path: Path, log: Path, point: str
) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert run(undisturbed, log).returncode == 0
    assert run(killed, log, crash_at=point).returncode == -signal.SIGKILL
    committed = point == "ingest:after_ledger"
    assert len(read_ledger(Lake(killed))) == int(committed)
    assert bool(lake_rows(Lake(killed))) == committed
    again = run(killed, log)
    assert again.returncode == 0, again.stderr
    assert content(Lake(killed)) == content(Lake(undisturbed))
    parquet = {
        lake: {str(path.relative_to(lake)): path.read_bytes() for path in lake.rglob("*.parquet")}
        for lake in (killed, undisturbed)
    }
    assert parquet[killed] == parquet[undisturbed]
    assert not (killed / ".staging").exists()


def test_files_of_a_dead_attempt_on_another_day_do_not_come_alive(tmp_path: Path, log: Path) -> None:
    """The bad row without a day takes the ingest day: the dead attempt's file lies under another folder."""
    lake = tmp_path / "lake"
    assert run(lake, log, crash_at="ingest:before_ledger", day=1).returncode == -signal.SIGKILL
    assert run(lake, log, day=2).returncode == 0
    assert len(quarantine_rows(Lake(lake))) == 2
    assert not list(lake.glob("quarantine/shop_id=corner/arrival_date=2024-06-01/*"))


def test_two_processes_may_load_at_once(tmp_path: Path, log: Path) -> None:
    lake = tmp_path / "lake"
    other = write_csv(tmp_path / "other.csv", [event(number) for number in range(100, 140)])
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(lake), str(file)], env=environment, stdout=subprocess.DEVNULL
        )
        for file in (log, other, log)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0, 0]
    assert sorted(entry.rows_accepted for entry in read_ledger(Lake(lake))) == [40, 60]
    assert len(lake_rows(Lake(lake))) == 100

"""Files in the landing folder: found, loaded once, never in each other's way."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ingestion.lake import Lake
from ingestion.landing import landed_files, sweep_landing, waiting_files
from ingestion.ledger import read_ledger
from ingestion.shops import Shop

MAPPING = """
source: tiny
contract: events
format: {type: jsonl}
columns: {event_name: what, event_ts: {column: at, time: iso}, device_id: who}
event_id: id
arrival: {rule: event_day}
"""
SHOPS = (Shop("main"), Shop("north", timezone="Europe/Oslo", currency="NOK"))


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return tmp_path / "landing"


def drop(landing: Path, name: str, *ids: str) -> Path:
    path = landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / "mapping.yml").write_text(MAPPING)
    rows = [{"id": i, "what": "page_view", "at": "2025-01-01T10:00:00", "who": "d"} for i in ids]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_missing_landing_folder_is_an_empty_one(landing: Path, lake: Lake) -> None:
    assert waiting_files(landing, SHOPS) == []
    swept = sweep_landing(landing, lake, SHOPS)
    assert (swept.loaded, swept.known, swept.problems) == ((), 0, ())


def test_a_file_is_loaded_once(landing: Path, lake: Lake) -> None:
    drop(landing, "tiny/a.jsonl", "1", "2")
    assert [file.name for file in waiting_files(landing, SHOPS)] == ["tiny/a.jsonl"]
    first = sweep_landing(landing, lake, SHOPS)
    assert [result.entry.rows_accepted for result in first.loaded] == [2]
    assert waiting_files(landing, SHOPS) == []
    assert sweep_landing(landing, lake, SHOPS).loaded == ()


def test_a_rewritten_file_waits_again(landing: Path, lake: Lake) -> None:
    drop(landing, "tiny/a.jsonl", "1")
    sweep_landing(landing, lake, SHOPS)
    drop(landing, "tiny/a.jsonl", "1", "2")
    assert len(waiting_files(landing, SHOPS)) == 1
    assert len(sweep_landing(landing, lake, SHOPS).loaded) == 1


def test_without_its_memory_the_ledger_still_knows_every_file(landing: Path, lake: Lake) -> None:
    drop(landing, "tiny/a.jsonl", "1")
    sweep_landing(landing, lake, SHOPS)
    (landing / ".seen.json").unlink()
    swept = sweep_landing(landing, lake, SHOPS)
    assert (len(swept.loaded), swept.known) == (0, 1)
    assert len(read_ledger(lake)) == 1


def test_one_bad_file_keeps_no_other_waiting(landing: Path, lake: Lake) -> None:
    drop(landing, "tiny/b.jsonl", "1")
    (landing / "tiny" / "a.jsonl.gz").write_bytes(b"not gzip at all")
    (landing / "nobody").mkdir()
    (landing / "nobody" / "x.csv").write_text("a,b\n")
    swept = sweep_landing(landing, lake, SHOPS)
    assert [result.entry.files for result in swept.loaded] == [["b.jsonl"]]
    problems = {problem.name: problem.reason for problem in swept.problems}
    assert set(problems) == {"tiny/a.jsonl.gz", "nobody/x.csv"}
    assert "no shipped mapping" in problems["nobody/x.csv"]
    # Both are tried again next time.
    assert {file.name for file in waiting_files(landing, SHOPS)} == set(problems)


def test_unfinished_and_hidden_files_are_left_alone(landing: Path) -> None:
    for name in ("tiny/a.jsonl.tmp", "tiny/b.part", "tiny/.hidden.jsonl", "tiny/c.jsonl"):
        drop(landing, name, "1")
    assert [file.name for file in waiting_files(landing, SHOPS)] == ["tiny/c.jsonl"]


def test_a_shop_folder_names_its_shop(landing: Path, lake: Lake) -> None:
    drop(landing, "shop=north/tiny/a.jsonl", "1")
    drop(landing, "tiny/a.jsonl", "1")
    drop(landing, "shop=east/tiny/a.jsonl", "1")
    swept = sweep_landing(landing, lake, SHOPS)
    assert sorted(result.entry.shop_id for result in swept.loaded) == ["main", "north"]
    assert [(p.name, p.reason) for p in swept.problems] == [("shop=east", "no such shop, expected one of main, north")]


def test_a_newer_time_with_the_same_bytes_loads_nothing(landing: Path, lake: Lake) -> None:
    path = drop(landing, "tiny/a.jsonl", "1")
    sweep_landing(landing, lake, SHOPS)
    os.utime(path, (1, 1))
    assert len(waiting_files(landing, SHOPS)) == 1
    assert sweep_landing(landing, lake, SHOPS).known == 1
    assert waiting_files(landing, SHOPS) == []


def test_files_taken_away_are_forgotten(landing: Path, lake: Lake) -> None:
    path = drop(landing, "tiny/a.jsonl", "1")
    drop(landing, "tiny/b.jsonl", "2")
    sweep_landing(landing, lake, SHOPS)
    path.unlink()
    sweep_landing(landing, lake, SHOPS)
    assert set(json.loads((landing / ".seen.json").read_text())) == {"tiny/b.jsonl"}


def test_files_in_subfolders_belong_to_the_source(landing: Path) -> None:
    drop(landing, "tiny/2025/01/a.jsonl", "1")
    [file] = [file for file in landed_files(landing, SHOPS)[0] if file.path.name == "a.jsonl"]
    assert (file.source, file.name) == ("tiny", "tiny/2025/01/a.jsonl")

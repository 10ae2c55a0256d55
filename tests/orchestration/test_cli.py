"""Commands on their own: exit codes, words for people, JSON for scripts. The whole way is in test_whole_way."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from orchestration.cli import app
from tests.orchestration.small_shop import MAPPING, visit

DAY = date(2025, 3, 10)


def footfall(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def mapping(footfall_home: Path) -> Path:
    path = footfall_home.parent / "tiny.yml"
    path.write_text(MAPPING)
    return path


def write(folder: Path, rows: list[dict[str, Any]], name: str = f"events-{DAY}.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("command", ["demo", "simulate", "ingest", "run", "status", "dev", "docs"])
def test_every_command_shows_an_example(command: str) -> None:
    done = footfall(command, "--help")
    assert done.exit_code == 0
    assert "Example" in done.stdout and f"footfall {command}" in done.stdout


def test_the_help_lists_the_exit_codes() -> None:
    done = footfall("--help")
    assert done.exit_code == 0
    for words in ("0 done", "1 failed", "2 wrong usage", "3 done, but"):
        assert words in " ".join(done.stdout.split())


def test_ingest_tells_what_it_did_and_the_second_time_that_it_was_there(mapping: Path) -> None:
    file = write(mapping.parent, visit(DAY, "d1"))
    done = footfall("ingest", "--source", mapping, file)
    assert done.exit_code == 0, done.output
    assert "loaded as" in done.stdout and "read 2, accepted 2" in done.stdout
    again = json.loads(footfall("ingest", "--source", mapping, "--json", file).stdout)
    assert [load["already_loaded"] for load in again["loads"]] == [True]


def test_ingest_of_much_dirt_is_done_and_needs_a_look(mapping: Path) -> None:
    rows = [*visit(DAY, "d1"), {**visit(DAY, "d2")[0], "what": "dance"}]
    done = footfall("ingest", "--source", mapping, "--json", write(mapping.parent, rows))
    assert done.exit_code == 3
    found = json.loads(done.stdout)
    assert found["loads"][0]["rows_quarantined"] == 1 and found["over_quarantine_share"] == 1
    assert "5.0% of their rows in quarantine" in done.stderr


def test_ingest_supersedes_by_file_name(mapping: Path, footfall_home: Path) -> None:
    old = write(mapping.parent, visit(DAY, "d1"))
    footfall("ingest", "--source", mapping, old)
    new = write(mapping.parent, visit(DAY, "d1") + visit(DAY, "d2"), f"corrected-{DAY}.jsonl")
    done = footfall("ingest", "--source", mapping, "--supersede", old.name, new)
    assert done.exit_code == 0, done.output
    found = json.loads(footfall("status", "--json").stdout)
    assert (found["loads"], found["rows_read"]) == (1, 4)


def test_replay_reads_the_quarantine_with_the_mended_mapping(mapping: Path) -> None:
    rows = [{**visit(DAY, "d1")[0], "what": "dance"}, *visit(DAY, "d2")]
    footfall("ingest", "--source", mapping, write(mapping.parent, rows))
    mended = "event_name: {column: what, map: {dance: view_cart, page_view: page_view, view_item: view_item}}"
    mapping.write_text(MAPPING.replace("event_name: what", mended))
    done = footfall("ingest", "--source", mapping, "--replay")
    assert done.exit_code == 0, done.output
    assert "accepted 1" in done.stdout
    assert json.loads(footfall("status", "--json").stdout)["rows_in_quarantine"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ingest", "--source", "no_such_mapping", "x.csv"], 2, "no shipped mapping"),
        (["ingest", "--source", "taobao_userbehavior", "no/such/file.csv"], 1, "no/such/file.csv"),
        (["ingest", "--source", "taobao_userbehavior"], 2, "expected files"),
        (["ingest", "--source", "taobao_userbehavior", "--replay", "x.csv"], 2, "--replay without files"),
        (["ingest", "--source", "taobao_userbehavior", "--supersede", "a", "b", "c"], 2, "exactly one file"),
        (["ingest", "--source", "taobao_userbehavior", "--shop", "east", "x.csv"], 2, "expected one of main"),
        (["run", "--from", "2025-01-01"], 2, "both --from and --to"),
        (["run", "--from", "2025-01-02", "--to", "2025-01-01"], 2, "is before"),
        (["run", "--from", "2025-01-01", "--to", "2025-01-01", "--pending"], 2, "not both"),
        (["run", "--from", "yesterday", "--to", "today"], 2, "yesterday"),
        (["simulate", "--out", "x", "--timezone", "Mars/Olympus"], 2, "expected an IANA zone"),
        (["docs", "--no-serve", "--port", "99999999"], 2, "port"),
        (["dance"], 2, "dance"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    footfall_home: Path, arguments: list[str], code: int, words: str
) -> None:
    done = footfall(*arguments)
    assert (done.exit_code, words in done.stderr) == (code, True), done.output
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_a_usage_error(footfall_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTFALL_LATE_DAYS", "many")
    done = footfall("status")
    assert done.exit_code == 2
    assert "FOOTFALL_LATE_DAYS" in done.stderr


def test_days_outside_the_history_are_refused(footfall_home: Path, dbt_manifest: Path) -> None:
    done = footfall("run", "--from", "1999-01-01", "--to", "1999-01-02")
    assert done.exit_code == 2
    assert "FOOTFALL_HISTORY_START" in done.stderr


def test_a_shop_that_changed_its_currency_is_refused(mapping: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    footfall("ingest", "--source", mapping, write(mapping.parent, visit(DAY, "d1")))
    monkeypatch.setenv("FOOTFALL_CURRENCY", "EUR")
    done = footfall("ingest", "--source", mapping, write(mapping.parent, visit(DAY, "d2"), f"more-{DAY}.jsonl"))
    assert done.exit_code == 1
    assert "'EUR'" in done.stderr and "'USD'" in done.stderr


def test_status_of_an_empty_home(footfall_home: Path) -> None:
    done = footfall("status", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["loads"], found["published_version"], found["pending_days"]) == (0, None, [])
    assert "nothing yet" in footfall("status").stdout


def test_status_shows_overdue_days(mapping: Path) -> None:
    footfall("ingest", "--source", mapping, write(mapping.parent, visit(DAY, "d1")))
    done = footfall("status")
    assert done.exit_code == 3
    assert "1 arrival days from 2025-03-10" in done.stdout
    assert "the oldest 2025-03-10 of shop main" in done.stdout


def test_simulate_writes_and_says_how_to_go_on(footfall_home: Path) -> None:
    out = footfall_home.parent / "shop"
    arguments = ["simulate", "--out", out, "--visitors", "60", "--days", "4", "--start", "2025-01-01"]
    done = footfall(*arguments)
    assert done.exit_code == 0, done.output
    assert "footfall ingest --source footfall_simulator_events" in done.stdout
    found = json.loads(footfall(*arguments, "--json").stdout)
    assert found["first_day"] == "2025-01-01" and found["log_files"] == len(list((out / "logs").iterdir()))


def test_the_default_history_ends_yesterday(footfall_home: Path) -> None:
    out = footfall_home.parent / "shop"
    done = footfall("simulate", "--out", out, "--visitors", "60", "--days", "3", "--json")
    newest = max(path.name for path in (out / "logs").iterdir())
    assert json.loads(done.stdout)["last_day"] < date.today().isoformat()
    assert newest.split("events-")[1][:10] <= date.today().isoformat()

"""`footfall models`: what it lists, what a pin does, and that a wrong word is a usage error and not a traceback."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from ml.registry.record import CHAMPION, ModelRecord
from ml.registry.store import ModelStore
from orchestration.cli import app
from orchestration.settings import load_settings


def models(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", *arguments])


def record(capability: str, day: int) -> ModelRecord:
    return ModelRecord(
        capability=capability,
        shop_id=load_settings().shop_id,
        model="logit",
        trained_as_of=dt.date(2026, 1, day),
        data_from=dt.date(2025, 1, 1),
        data_until=dt.date(2026, 1, day),
        training_rows=100,
        features=("recency",),
        code_version=1,
        seed=42,
        data_digest="d" * 16,
        status=CHAMPION,
        reason="店里最好的",
    )


@pytest.fixture
def store(footfall_home: Path) -> ModelStore:
    """Two versions of churn, the newer one serving, and one of another capability."""
    found = ModelStore(load_settings().models)
    for one in (record("churn", 1), record("churn", 2), record("session_intent", 1)):
        found.save(one, "model")
    return found


def listed(*arguments: str) -> dict[str, tuple[str, bool]]:
    done = models("list", *arguments)
    assert done.exit_code == 0, done.output
    return {row["version"]: (row["status"], row["is_pinned"]) for row in json.loads(done.stdout)}


def test_nothing_trained_is_an_empty_list(footfall_home: Path) -> None:
    done = models("list")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == []


def test_list_shows_every_version_or_those_of_one_capability(store: ModelStore) -> None:
    old, new, other = (record("churn", 1), record("churn", 2), record("session_intent", 1))
    expected = {old.version: ("retired", False), new.version: ("champion", False)}
    assert listed("churn") == expected
    assert listed() == {**expected, other.version: ("champion", False)}
    assert listed("nothing") == {}
    (first, *_) = json.loads(models("list", "churn").stdout)
    assert (first["trained_as_of"][:7], first["reason"]) == ("2026-01", "店里最好的")


def test_a_pin_serves_until_it_is_taken_off(store: ModelStore) -> None:
    old, new = record("churn", 1), record("churn", 2)
    done = models("pin", "churn", old.version)
    assert done.exit_code == 0, done.output
    assert f"version {old.version} serves" in done.stdout
    assert listed("churn") == {old.version: ("champion", True), new.version: ("challenger", False)}
    done = models("unpin", "churn")
    assert done.exit_code == 0, done.output
    assert listed("churn")[old.version] == ("champion", False)


def test_an_unknown_version_is_refused_and_the_known_ones_are_named(store: ModelStore) -> None:
    done = models("pin", "churn", "0123456789abcdef")
    assert done.exit_code == 2
    assert "no version 0123456789abcdef" in done.stderr and record("churn", 1).version in done.stderr
    assert not any(pinned for _, pinned in listed("churn").values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pin", "nothing", "0123456789abcdef"), "there are none"),
        (("unpin", "churn"), "no version is pinned"),
        (("unpin", "nothing"), "no version is pinned"),
        (("unpin", "churn", "--shop", "elsewhere"), "not configured"),
        (("pin", "churn", "0123456789abcdef", "--shop", "elsewhere"), "not configured"),
    ],
    ids=["unknown capability", "not pinned", "unpin unknown capability", "unpin unknown shop", "pin unknown shop"],
)
def test_what_cannot_be_done_is_a_usage_error(store: ModelStore, arguments: tuple[str, ...], words: str) -> None:
    done = models(*arguments)
    assert done.exit_code == 2, done.output
    assert words in done.stderr
    assert "Traceback" not in done.output


def test_a_model_that_was_removed_as_too_old_cannot_be_pinned(store: ModelStore) -> None:
    old = record("churn", 1)
    (path,) = store.folder.glob(f"churn/*/{old.version}/model.joblib")
    path.unlink()
    done = models("pin", "churn", old.version)
    assert done.exit_code == 2
    assert "is not kept" in done.stderr


@pytest.mark.parametrize("name", ["record.json", "model.joblib"])
def test_a_version_that_cannot_be_read_is_not_pinned_and_does_not_hide_the_others(store: ModelStore, name: str) -> None:
    old, new = record("churn", 1), record("churn", 2)
    (path,) = store.folder.glob(f"churn/*/{old.version}/{name}")
    path.write_text("{}")
    done = models("pin", "churn", old.version)
    assert done.exit_code == 1
    assert f"version {old.version} cannot be read" in done.stderr
    assert listed("churn")[new.version] == ("champion", False)


@pytest.mark.parametrize("command", ["list", "pin", "unpin", "retrain"])
def test_every_command_shows_an_example(command: str) -> None:
    done = models(command, "--help")
    assert done.exit_code == 0
    assert "Example" in done.stdout and f"footfall models {command}" in done.stdout


def test_learning_anew_before_there_is_a_warehouse_fails_in_words(footfall_home: Path, dbt_manifest: Path) -> None:
    done = models("retrain")
    assert done.exit_code == 1
    assert "failed: churn: " in done.stderr and "warehouse" in done.stderr
    assert "failed (run " in done.stdout
    assert not (footfall_home / "published").exists()

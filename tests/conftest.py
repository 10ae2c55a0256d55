"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from orchestration.settings import Settings

# dbt makes millions of objects a run; looking for garbage among them every 700 costs a tenth of the time.
gc.set_threshold(100_000, 50, 50)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Files that share homes go to one worker."""
    from tests.shared_work import SharedWork

    return SharedWork(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
    from tests.shared_work import line_of

    items.sort(key=lambda item: line_of(item.nodeid))


@pytest.fixture(scope="session")
def dbt_manifest() -> Path:
    """The dbt project, parsed where it has changed; one process does it, the others wait."""
    from orchestration.dbt_in_process import prepare_manifest

    return prepare_manifest()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tests see none of the developer's settings, and leave none behind."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("FOOTFALL_") and name != "FOOTFALL_REAL_DATA":
            monkeypatch.delenv(name)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    yield
    # Commands point the process at their home folder; a test's must not outlive it.
    for name in set(os.environ) - set(before):
        if name.startswith(("FOOTFALL_", "DAGSTER_")):
            del os.environ[name]


@pytest.fixture
def footfall_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder that settings and commands will use; the working folder has no .env."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("FOOTFALL_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    return home


@pytest.fixture
def settings(footfall_home: Path) -> Settings:
    """Settings with that home and defaults otherwise."""
    from orchestration.settings import load_settings

    return load_settings()

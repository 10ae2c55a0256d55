"""Files that share a home are named together, or each worker would build it once more, silently."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shared_work import LONGEST, SharedWork

ROOT = Path(__file__).parents[1]


def test_every_file_named_is_there() -> None:
    assert [file for files in LONGEST for file in files if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize("shared", ["march: Histories", "spring: Histories", "online_retail: Warehouse"])
def test_files_that_share_a_home_go_to_one_worker(shared: str) -> None:
    users = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py") if shared in path.read_text()}
    users.discard(str(Path(__file__).relative_to(ROOT)))
    assert users in [set(files) for files in LONGEST]
    scheduling = SharedWork.__new__(SharedWork)
    assert len({scheduling._split_scope(f"{file}::test_it[a@b::c]") for file in users}) == 1
    assert scheduling._split_scope("tests/ml/test_choose_k.py::test_it") == "tests/ml/test_choose_k.py"

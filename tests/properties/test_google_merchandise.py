"""Two months of a real shop: day by day, and days in shuffled order, end in the bytes of one load (`make verify`)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.properties.warehouse import Export, Warehouse, assert_same_export
from tests.real.google_merchandise import FIRST, LAST, land, split_by_day

pytestmark = [pytest.mark.real, pytest.mark.long]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> dict:  # type: ignore[type-arg]
    return split_by_day(tmp_path_factory.mktemp("days"), FIRST, LAST)


@pytest.fixture(scope="module")
def whole(days: dict, tmp_path_factory: pytest.TempPathFactory) -> Export:  # type: ignore[type-arg]
    warehouse = Warehouse(tmp_path_factory.mktemp("whole"))
    for files in days.values():
        land(warehouse, files)
    warehouse.build()
    return warehouse.export()


@pytest.mark.parametrize("order", ["day by day", "shuffled"])
def test_increments_equal_one_load(order: str, days: dict, whole: Export, tmp_path: Path) -> None:  # type: ignore[type-arg]
    sequence = sorted(days)
    if order == "shuffled":
        random.Random(9).shuffle(sequence)
    warehouse = Warehouse(tmp_path)
    for day in sequence:
        land(warehouse, days[day])
        warehouse.build(day)
    assert_same_export(warehouse.export(), whole)

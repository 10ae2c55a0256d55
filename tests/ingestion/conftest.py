from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.lake import Lake
from ingestion.shops import Shop


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def shop() -> Shop:
    return Shop("corner", timezone="Europe/Berlin", currency="EUR")

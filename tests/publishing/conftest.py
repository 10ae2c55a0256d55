"""Fixtures for publishing: a warehouse with ten days of sessions and five customers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.publishing.shop_marts import ShopWarehouse


@pytest.fixture
def shop(tmp_path: Path) -> ShopWarehouse:
    """Ten days with three sessions each, five customers, all stamped 1."""
    warehouse = ShopWarehouse(tmp_path / "warehouse.duckdb")
    warehouse.overwrite(0, 9, sessions_a_day=3, stamp=1)
    warehouse.set_customers(5, stamp=1)
    return warehouse


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Where to publish; not created yet."""
    return tmp_path / "published"

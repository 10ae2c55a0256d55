"""Whatever dbt overwrites and whenever publishing runs, the files are those of a first publish."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publishing import publish
from tests.publishing.shop_marts import FIRST_DAY, SESSIONS, ShopWarehouse

writes = st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(0, 3), st.integers(1, 3), st.booleans())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(writes, min_size=1, max_size=6))
def test_any_series_of_writes(series: list[tuple[int, int, int, int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = ShopWarehouse(Path(folder) / "warehouse.duckdb")
        for number, (first, length, sessions, stamp, publish_now) in enumerate(series):
            shop.overwrite(first, first + length, sessions, stamp)
            if publish_now:
                publish(shop.path, Path(folder) / "steps", [SESSIONS], f"run{number}", None)
        steps = publish(shop.path, Path(folder) / "steps", [SESSIONS], "last", None)
        whole = publish(shop.path, Path(folder) / "whole", [SESSIONS], "only", FIRST_DAY)
        assert steps.manifest.tables == whole.manifest.tables

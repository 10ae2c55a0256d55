"""Tiny adversarial cases, each by name: increments in any order end in the bytes of a full refresh."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.properties.histories import DAY_BY_DAY, Histories
from tests.properties.late_arrival_cases import CASES, DAY
from tests.properties.warehouse import Warehouse, assert_same_export


@pytest.mark.parametrize("name", CASES)
def test_any_order_of_arrival_ends_in_the_same_bytes(name: str, march: Histories, march_order: str) -> None:
    assert march.expected["int_events", name], "the case left no event"
    assert_same_export(march.export(march_order), march.expected, name)


def test_a_backfill_moves_nothing(march: Histories, tmp_path: Path) -> None:
    """Over the whole range, and over part of it."""
    warehouse = Warehouse(Path(shutil.copytree(march.whole.home, tmp_path / "home")))
    warehouse.build(DAY - timedelta(days=9), DAY + timedelta(days=21))
    warehouse.build(DAY, DAY + timedelta(days=2))
    assert_same_export(warehouse.export(), march.expected)


def test_an_emptied_day_has_no_session_left(march: Histories) -> None:
    assert march.seen(DAY_BY_DAY, "sessions of the emptied day") == [
        [(date(2026, 3, 11), 1)],
        [(date(2026, 3, 10), 2)],
    ]


def test_too_late_rows_are_kept_and_counted_nowhere(march: Histories) -> None:
    here = "shop_id = 'too_late_and_too_early'"
    late = march.whole.rows(f"select event_id, days_late from intermediate.int_events_too_late where {here} order by 1")
    assert late == [("plain:early", -3), ("plain:just_too_late", 4), ("plain:old", 10)]
    assert march.whole.rows(f"select count(*) from marts.fct_orders where {here}") == [(0,)]
    assert march.whole.rows(f"select sum(events) from marts.fct_sessions where {here}") == [(2,)]
    assert march.whole.rows(f"select sum(rows_too_late) from marts.audit_arrival_days where {here}") == [(3,)]

"""Tiny adversarial cases, each by name: increments in any order end in the bytes of a full refresh."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.properties.warehouse import Warehouse, assert_same_export

DAY = date(2026, 3, 10)


def event(event_id: str, ts: str, device: str | None = "d1", name: str = "page_view", **more: object) -> dict[str, object]:
    """An event at a local time of the shop (UTC+8) written as `DD HH:MM[:SS]` in March 2026."""
    day, clock = ts.split(" ")
    return {"event_id": event_id, "event_name": name, "event_ts": f"2026-03-{day}T{clock}+08:00", "device_id": device, **more}


Arrivals = dict[int, list[dict[str, object]]]
purchase = {"name": "purchase", "order_id": "o1", "item_id": "i1", "price": 10, "quantity": 2, "value": 20}

#: arrival day of March 2026 -> events that arrived then
CASES: dict[str, Arrivals] = {
    "late_event_empties_a_day": {
        11: [event("a", "11 00:10")],
        12: [event("late", "10 23:50")],
    },
    "late_event_joins_two_sessions": {
        10: [event("a", "10 10:00"), event("b", "10 10:50")],
        13: [event("late", "10 10:25")],
    },
    "late_event_splits_none": {
        10: [event("a", "10 10:00"), event("b", "10 10:20")],
        13: [event("late", "10 10:10")],
    },
    "late_event_lands_at_2350_and_pulls_the_next_morning": {
        11: [event("a", "11 00:15"), event("b", "11 00:40"), event("c", "11 12:00")],
        13: [event("late", "10 23:50")],
    },
    "late_event_moves_the_session_start_within_the_day": {
        10: [event("a", "10 10:20"), event("b", "10 10:40")],
        12: [event("late", "10 10:00")],
    },
    "run_past_the_cap_shifts_with_an_earlier_event": {
        10: [event(f"n{n}", f"{10 + (n // 2) // 24} {(n // 2) % 24:02d}:{30 * (n % 2):02d}") for n in range(0, 40)],
        11: [event(f"n{n}", f"{10 + (n // 2) // 24} {(n // 2) % 24:02d}:{30 * (n % 2):02d}") for n in range(40, 80)],
        12: [event("late", "09 23:45")],
    },
    "refund_weeks_later": {
        10: [event("p", "10 10:00", **purchase)],
        28: [event("r", "28 09:00", name="refund", order_id="o1", item_id="i1", price=10, quantity=1, value=10)],
    },
    "refund_known_before_its_purchase": {
        11: [event("r", "11 09:00", device=None, name="refund", order_id="o1", value=5)],
        13: [event("p", "10 10:00", **purchase)],
    },
    "reload_on_the_next_day_with_a_greater_value": {
        10: [event("p", "10 23:59", **purchase)],
        11: [event("p2", "11 00:05", **{**purchase, "value": 25, "quantity": 3})],
    },
    "reload_arrives_before_the_first_hit": {
        11: [event("p2", "11 00:05", **purchase)],
        12: [event("p", "10 23:50", **purchase)],
    },
    "cancelled_the_same_day": {
        10: [event("p", "10 10:00", **purchase), event("c", "10 11:00", device=None, name="cancel_order", order_id="o1")],
    },
    "device_that_logs_in_late": {
        10: [event("a", "10 10:00"), event("b", "10 10:05")],
        12: [event("c", "12 10:00", name="login", customer_id="c1"), event("p", "12 10:10", customer_id="c1", **purchase)],
        14: [event("late", "11 10:00", customer_id="c1")],
    },
    "repeated_delivery_differs": {
        10: [event("a", "10 10:00", page_url="/first")],
        11: [event("a", "10 10:00", page_url="/second"), event("b", "10 10:10")],
        12: [event("a", "10 10:00", page_url="/third")],
    },
    "same_id_on_another_day": {
        10: [event("a", "10 10:00")],
        11: [event("a", "11 10:00")],
    },
    "too_late_and_too_early": {
        10: [event("a", "10 10:00"), event("early", "13 10:00")],
        14: [event("just_too_late", "10 10:10"), event("on_time", "11 10:10")],
        20: [event("old", "10 10:20", **purchase)],
    },
    "order_of_a_customer_without_device": {
        10: [event("p", "10 10:00", device=None, customer_id="c1", **purchase)],
        11: [event("q", "10 10:20", device=None, customer_id="c1")],
    },
    "nobody_bought": {
        10: [event("p", "10 10:00", device=None, **purchase)],
    },
}


def _land(warehouse: Warehouse, arrivals: Arrivals, day: int) -> None:
    warehouse.land_events(DAY.replace(day=day), arrivals[day])


@pytest.fixture
def new_warehouse(tmp_path: Path) -> Callable[[str], Warehouse]:
    return lambda name: Warehouse(tmp_path / name)


@pytest.mark.parametrize("name", CASES)
def test_any_order_of_arrival_ends_in_the_same_bytes(name: str, new_warehouse: Callable[[str], Warehouse]) -> None:
    arrivals = CASES[name]
    whole = new_warehouse("whole")
    for day in arrivals:
        _land(whole, arrivals, day)
    whole.build()
    expected = whole.export()

    for number, order in enumerate(itertools.islice(itertools.permutations(arrivals), 6)):
        stepwise = new_warehouse(f"order-{number}")
        for day in order:
            _land(stepwise, arrivals, day)
            stepwise.build(DAY.replace(day=day))
        assert_same_export(stepwise.export(), expected)

    # once more over everything, as a backfill: nothing moves
    whole.build(DAY - timedelta(days=9), DAY + timedelta(days=21))
    assert_same_export(whole.export(), expected)


def test_an_emptied_day_has_no_session_left(new_warehouse: Callable[[str], Warehouse]) -> None:
    warehouse = new_warehouse("home")
    arrivals = CASES["late_event_empties_a_day"]
    _land(warehouse, arrivals, 11)
    warehouse.build(DAY.replace(day=11))
    assert warehouse.rows("select session_date from marts.fct_sessions") == [(date(2026, 3, 11),)]
    _land(warehouse, arrivals, 12)
    warehouse.build(DAY.replace(day=12))
    assert warehouse.rows("select session_date, events from marts.fct_sessions") == [(date(2026, 3, 10), 2)]


def test_a_superseded_file_leaves_nothing_behind(new_warehouse: Callable[[str], Warehouse]) -> None:
    first = [event("a", "10 10:00", customer_id="c1"), event("p", "10 10:05", customer_id="c1", **purchase)]
    corrected = [event("a", "10 10:00"), event("q", "10 10:05", **{**purchase, "order_id": "o2"})]
    warehouse, clean = new_warehouse("corrected"), new_warehouse("clean")
    wrong = warehouse.land_events(DAY, first)
    warehouse.build(DAY)
    assert warehouse.rows("select order_id from marts.fct_orders") == [("o1",)]
    warehouse.land_events(DAY, corrected, name="corrected", supersede=wrong.name)
    warehouse.build(DAY)
    clean.land_events(DAY, corrected, name="corrected")
    clean.build()
    assert_same_export(warehouse.export(), clean.export())


def test_too_late_rows_are_kept_and_counted_nowhere(new_warehouse: Callable[[str], Warehouse]) -> None:
    warehouse = new_warehouse("home")
    for day in (arrivals := CASES["too_late_and_too_early"]):
        _land(warehouse, arrivals, day)
    warehouse.build()
    late = warehouse.rows("select event_id, days_late from intermediate.int_events_too_late order by 1")
    assert late == [("plain:early", -3), ("plain:just_too_late", 4), ("plain:old", 10)]
    assert warehouse.rows("select count(*) from marts.fct_orders") == [(0,)]
    assert warehouse.rows("select sum(events) from marts.fct_sessions") == [(2,)]
    assert warehouse.rows("select sum(rows_too_late) from marts.audit_arrival_days") == [(3,)]

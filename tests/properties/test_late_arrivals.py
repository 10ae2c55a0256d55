"""Tiny adversarial cases, each by name: increments in any order end in the bytes of a full refresh."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import pytest

from ingestion.shops import Shop
from tests.properties.warehouse import Export, Warehouse, assert_same_export

DAY = date(2026, 3, 10)


def event(
    event_id: str, ts: str, device: str | None = "d1", name: str = "page_view", **more: object
) -> dict[str, object]:
    """An event at a local time of the shop (UTC+8) written as `DD HH:MM[:SS]` in March 2026."""
    day, clock = ts.split(" ")
    return {
        "event_id": event_id,
        "event_name": name,
        "event_ts": f"2026-03-{day}T{clock}+08:00",
        "device_id": device,
        **more,
    }


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
        10: [
            event("p", "10 10:00", **purchase),
            event("c", "10 11:00", device=None, name="cancel_order", order_id="o1"),
        ],
    },
    "device_that_logs_in_late": {
        10: [event("a", "10 10:00"), event("b", "10 10:05")],
        12: [
            event("c", "12 10:00", name="login", customer_id="c1"),
            event("p", "12 10:10", customer_id="c1", **purchase),
        ],
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
    "refund_delivered_again_under_the_next_day": {
        10: [event("p", "10 10:00", **purchase), event("r", "10 23:59", None, "refund", order_id="o1", value=5)],
        11: [event("r", "11 00:01", None, "refund", order_id="o1", value=5)],
    },
    "nobody_bought": {
        10: [event("p", "10 10:00", device=None, **purchase)],
    },
}


def _random_case(seed: int) -> Arrivals:
    """Sixty visitors around two midnights, a third of their events late, some orders, refunds and repeats."""
    rng = random.Random(seed)
    arrivals: Arrivals = {}
    for number in range(600):
        minute = rng.randrange(0, 3 * 24 * 60, rng.choice([1, 10, 29, 30, 31]))
        day, hour, rest = 10 + minute // 1440, minute // 60 % 24, minute % 60
        device, order = f"d{rng.randrange(60)}", f"o{rng.randrange(30)}"
        more: dict[str, object] = {}
        if rng.random() < 0.2:
            more = {"name": rng.choice(["purchase", "refund", "cancel_order"]), "order_id": order}
            more |= {"item_id": f"i{rng.randrange(9)}", "price": rng.randrange(1, 99), "quantity": rng.randrange(1, 4)}
            more |= {"value": rng.randrange(1, 200)} if rng.random() < 0.8 else {}
        if rng.random() < 0.3:
            more["customer_id"] = f"c{rng.randrange(20)}"
        made = event(f"e{number}", f"{day} {hour:02d}:{rest:02d}", device, **more)
        for _ in range(rng.choice([1, 1, 1, 2])):
            arrivals.setdefault(day + rng.choice([0, 0, 0, 0, 1, 2, 3, 4]), []).append(made)
    return arrivals


CASES |= {f"random_{seed}": _random_case(seed) for seed in range(4)}
ARRIVAL_DAYS = sorted({day for arrivals in CASES.values() for day in arrivals})


def _shop(name: str) -> Shop:
    return Shop(name, "Asia/Shanghai", "CNY")


def _land(warehouse: Warehouse, day: int) -> None:
    for name, arrivals in CASES.items():
        if day in arrivals:
            warehouse.land_events(_shop(name), DAY.replace(day=day), arrivals[day])


def _orders_of_arrival() -> dict[str, list[int]]:
    shuffled = list(ARRIVAL_DAYS)
    random.Random(3).shuffle(shuffled)
    return {"day by day": ARRIVAL_DAYS, "backwards": ARRIVAL_DAYS[::-1], "shuffled": shuffled}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Everything landed, then one full refresh: what each order of arrival must end in."""
    warehouse = Warehouse(tmp_path_factory.mktemp("whole"))
    for day in ARRIVAL_DAYS:
        _land(warehouse, day)
    warehouse.build()
    export = warehouse.export()
    # a backfill over the whole range, and over part of it, moves nothing
    warehouse.build(DAY - timedelta(days=9), DAY + timedelta(days=21))
    warehouse.build(DAY, DAY + timedelta(days=2))
    assert_same_export(warehouse.export(), export)
    return export


@pytest.fixture(scope="module")
def stepwise(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Export]:
    """For each order of arrival: a day lands, its run follows, then the next day lands."""
    exports = {}
    for order, days in _orders_of_arrival().items():
        warehouse = Warehouse(tmp_path_factory.mktemp("stepwise"))
        for day in days:
            _land(warehouse, day)
            warehouse.build(DAY.replace(day=day))
        exports[order] = warehouse.export()
    return exports


@pytest.mark.parametrize("name", CASES)
def test_any_order_of_arrival_ends_in_the_same_bytes(name: str, whole: Export, stepwise: dict[str, Export]) -> None:
    assert whole["int_events", name], "the case left no event"
    for export in stepwise.values():
        assert_same_export(export, whole, name)


def test_an_emptied_day_has_no_session_left(tmp_path: Path) -> None:
    warehouse, shop = Warehouse(tmp_path), _shop("shop")
    arrivals = CASES["late_event_empties_a_day"]
    warehouse.land_events(shop, DAY.replace(day=11), arrivals[11])
    warehouse.build(DAY.replace(day=11))
    assert warehouse.rows("select session_date from marts.fct_sessions") == [(date(2026, 3, 11),)]
    warehouse.land_events(shop, DAY.replace(day=12), arrivals[12])
    warehouse.build(DAY.replace(day=12))
    assert warehouse.rows("select session_date, events from marts.fct_sessions") == [(date(2026, 3, 10), 2)]


def test_a_superseded_file_leaves_nothing_behind(tmp_path: Path) -> None:
    first = [event("a", "10 10:00", customer_id="c1"), event("p", "10 10:05", customer_id="c1", **purchase)]
    corrected = [event("a", "10 10:00"), event("q", "10 10:05", **{**purchase, "order_id": "o2"})]
    warehouse, clean, shop = Warehouse(tmp_path / "corrected"), Warehouse(tmp_path / "clean"), _shop("shop")
    wrong = warehouse.land_events(shop, DAY, first)
    warehouse.build(DAY)
    assert warehouse.rows("select order_id from marts.fct_orders") == [("o1",)]
    warehouse.land_events(shop, DAY, corrected, name="corrected", supersede=wrong.name)
    warehouse.build(DAY)
    clean.land_events(shop, DAY, corrected, name="corrected")
    clean.build()
    assert_same_export(warehouse.export(), clean.export())


def test_too_late_rows_are_kept_and_counted_nowhere(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    for day, events in CASES["too_late_and_too_early"].items():
        warehouse.land_events(_shop("shop"), DAY.replace(day=day), events)
    warehouse.build()
    late = warehouse.rows("select event_id, days_late from intermediate.int_events_too_late order by 1")
    assert late == [("plain:early", -3), ("plain:just_too_late", 4), ("plain:old", 10)]
    assert warehouse.rows("select count(*) from marts.fct_orders") == [(0,)]
    assert warehouse.rows("select sum(events) from marts.fct_sessions") == [(2,)]
    assert warehouse.rows("select sum(rows_too_late) from marts.audit_arrival_days") == [(3,)]

"""Tiny adversarial cases of late arrivals, each by name: what arrived on which day of March 2026."""

from __future__ import annotations

import random
from datetime import date

from ingestion.shops import Shop
from tests.properties.histories import Topic
from tests.properties.warehouse import Warehouse

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
PURCHASE = {"name": "purchase", "order_id": "o1", "item_id": "i1", "price": 10, "quantity": 2, "value": 20}

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
        10: [event("p", "10 10:00", **PURCHASE)],
        28: [event("r", "28 09:00", name="refund", order_id="o1", item_id="i1", price=10, quantity=1, value=10)],
    },
    "refund_known_before_its_purchase": {
        11: [event("r", "11 09:00", device=None, name="refund", order_id="o1", value=5)],
        13: [event("p", "10 10:00", **PURCHASE)],
    },
    "reload_on_the_next_day_with_a_greater_value": {
        10: [event("p", "10 23:59", **PURCHASE)],
        11: [event("p2", "11 00:05", **{**PURCHASE, "value": 25, "quantity": 3})],
    },
    "reload_arrives_before_the_first_hit": {
        11: [event("p2", "11 00:05", **PURCHASE)],
        12: [event("p", "10 23:50", **PURCHASE)],
    },
    "cancelled_the_same_day": {
        10: [
            event("p", "10 10:00", **PURCHASE),
            event("c", "10 11:00", device=None, name="cancel_order", order_id="o1"),
        ],
    },
    "device_that_logs_in_late": {
        10: [event("a", "10 10:00"), event("b", "10 10:05")],
        12: [
            event("c", "12 10:00", name="login", customer_id="c1"),
            event("p", "12 10:10", customer_id="c1", **PURCHASE),
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
        20: [event("old", "10 10:20", **PURCHASE)],
    },
    "order_of_a_customer_without_device": {
        10: [event("p", "10 10:00", device=None, customer_id="c1", **PURCHASE)],
        11: [event("q", "10 10:20", device=None, customer_id="c1")],
    },
    "refund_delivered_again_under_the_next_day": {
        10: [event("p", "10 10:00", **PURCHASE), event("r", "10 23:59", None, "refund", order_id="o1", value=5)],
        11: [event("r", "11 00:01", None, "refund", order_id="o1", value=5)],
    },
    "nobody_bought": {
        10: [event("p", "10 10:00", device=None, **PURCHASE)],
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


def shop_of(case: str) -> Shop:
    """The shop of a case."""
    return Shop(case, "Asia/Shanghai", "CNY")


def _land(warehouse: Warehouse, day: date) -> None:
    for name, arrivals in CASES.items():
        if day.day in arrivals:
            warehouse.land_events(shop_of(name), day, arrivals[day.day])


TOPIC = Topic(
    shops=list(CASES),
    land=_land,
    watched={
        "sessions of the emptied day": "select session_date, events from marts.fct_sessions "
        "where shop_id = 'late_event_empties_a_day' order by all"
    },
)

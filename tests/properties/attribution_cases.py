"""What may change before or after an order, case by case, and what its touches must be in the end."""

from __future__ import annotations

import csv
import random
from datetime import UTC, date, datetime
from typing import Any

from ingestion.identity_overrides import decide_identity
from ingestion.mapping import parse_mapping
from ingestion.shops import Shop
from tests.properties.histories import Topic
from tests.properties.warehouse import Warehouse

Event = dict[str, object]


def at(when: str) -> str:
    """A local time of the shop, `MM-DD HH:MM[:SS]` in 2026."""
    return f"2026-{when.replace(' ', 'T')}+08:00"


def event(when: str, device: str | None, name: str = "page_view", **more: object) -> Event:
    """An event whose id is its time, device and name."""
    return {
        "event_id": f"{when} {device} {name}", "event_name": name, "event_ts": at(when), "device_id": device, **more
    }  # fmt: skip


def ad(when: str, device: str, source: str, **more: object) -> Event:
    """A page reached through a campaign of `source`."""
    return event(when, device, utm_source=source, utm_medium="cpc", utm_campaign="spring", **more)


def buys(when: str, device: str | None, value: float | None = 100, order: str = "o1", **more: object) -> Event:
    """A purchase."""
    priced = {} if value is None else {"value": value}
    return event(when, device, "purchase", order_id=order, **priced, **more)


def login(when: str, device: str, customer: str) -> Event:
    """A log-in."""
    return event(when, device, "login", customer_id=customer)


def _random_case(seed: int) -> dict[str, list[Event]]:
    """Thirty devices, fifteen customers and their orders within three days, a third of it late."""
    rng = random.Random(seed)
    days: dict[str, list[Event]] = {"03-12": [], "03-14": [], "05-20": []}
    for number in range(250):
        when = f"03-{rng.choice([11, 12])} {rng.randrange(24):02d}:{rng.randrange(60):02d}:{number % 60:02d}"
        device, more = f"d{rng.randrange(30)}", {}
        if rng.random() < 0.25:
            more["customer_id"] = f"c{rng.randrange(15)}"
        kind = rng.random()
        if kind < 0.3:
            made = buys(when, device, rng.choice([None, 1, 0.01, 33.33, 9999999]), f"o{rng.randrange(60)}", **more)
        else:
            made = ad(when, device, f"s{rng.randrange(4)}", **more) if kind < 0.6 else event(when, device, **more)
        days[rng.choice(["03-12", "03-12", "03-14"])].append(made)
    for number in range(20):
        days["05-20"].append(
            event(f"05-20 10:{number:02d}", None, "refund", order_id=f"o{rng.randrange(60)}", value=rng.randrange(9))
        )
        days["05-20"].append(login(f"05-20 11:{number:02d}", f"d{rng.randrange(30)}", f"c{rng.randrange(15)}"))
    return days


#: case -> day of arrival -> events that arrived then, or the decision of a person then
CASES: dict[str, dict[str, list[Event] | tuple[str, str, str]]] = {
    "late_session_enters": {
        "03-12": [buys("03-12 10:00", "d1")],
        "03-14": [ad("03-11 20:00", "d1", "google")],
    },
    "late_event_joins_two_touches": {
        "03-12": [ad("03-12 09:00", "d1", "google"), ad("03-12 09:50", "d1", "bing"), buys("03-12 09:55", "d1")],
        "03-14": [event("03-12 09:25", "d1")],
    },
    "late_burst_makes_a_program": {
        "03-12": [ad("03-11 08:00", "d1", "google"), buys("03-12 20:00", "d1")],
        "03-14": [event(f"03-11 12:{number // 60:02d}:{number % 60:02d}", "d1") for number in range(70)],
    },
    "refund_after_months": {
        "03-12": [ad("03-10 09:00", "d1", "google"), ad("03-11 09:00", "d1", "bing"), buys("03-12 09:00", "d1")],
        "05-20": [event("05-20 09:00", None, "refund", order_id="o1", value=33.33)],
    },
    "cancelled_after_months": {
        "03-12": [ad("03-11 09:00", "d1", "google"), buys("03-12 09:00", "d1")],
        "05-20": [event("05-20 09:00", None, "cancel_order", order_id="o1")],
    },
    "late_log_in_joins_a_device": {
        "03-12": [ad("03-11 09:00", "phone", "google"), buys("03-12 09:00", "laptop", customer_id="ann")],
        "05-20": [login("05-20 09:00", "phone", "ann")],
    },
    "order_without_a_name_gets_one": {
        "03-12": [
            ad("03-11 09:00", "phone", "google"), login("03-11 09:01", "phone", "bob"), buys("03-12 09:00", "laptop"),
        ],
        "05-20": [login("05-20 09:00", "laptop", "bob")],
    },
    "late_log_in_makes_it_shared": {
        "03-12": [
            ad("03-10 09:00", "family", "google"), login("03-11 12:00", "family", "ann"),
            buys("03-12 09:00", "laptop", customer_id="ann"),
        ],
        "05-20": [login("05-20 09:00", "family", "bea")],
    },
    "late_event_names_the_session": {
        "03-12": [
            ad("03-11 09:00", "till", "google"), login("03-11 12:00", "till", "bea"),
            login("03-11 15:00", "till", "cat"), buys("03-12 09:00", "laptop", customer_id="ann"),
        ],
        "03-14": [login("03-11 09:10", "till", "ann")],
    },
    "decided_apart": {
        "03-12": [
            ad("03-10 09:00", "phone", "google"), login("03-11 09:00", "phone", "ann"),
            buys("03-12 09:00", "laptop", customer_id="ann"),
        ],
        "05-20": ("phone", "ann", "separate"),
    },
    "decided_together": {
        "03-12": [
            ad("03-10 09:00", "till", "google"), login("03-11 09:00", "till", "bea"),
            login("03-11 12:00", "till", "cat"), buys("03-12 09:00", "laptop", customer_id="ann"),
        ],
        "05-20": ("till", "ann", "join"),
    },
    "decided_apart_while_the_refund_comes": {
        "03-12": [
            ad("03-10 09:00", "phone", "google"), login("03-11 09:00", "phone", "ann"),
            buys("03-12 09:00", "phone", customer_id="ann"),
        ],
        "03-14": ("phone", "ann", "separate"),
        "05-20": [event("05-20 09:00", None, "refund", order_id="o1", value=10)],
    },
    "somebody_else_logs_in_during_the_own_session": {
        "03-12": [
            login("03-10 09:00", "family", "bob"), ad("03-12 09:00", "family", "google"),
            buys("03-12 09:05", "family", customer_id="ann"), login("03-12 09:10", "family", "bob"),
        ],
    },
    "order_moves_to_the_day_before": {
        "03-12": [ad("03-11 23:58", "d1", "google"), buys("03-12 00:05", "d1")],
        "03-14": [{**buys("03-11 23:50", "d2")}],
    },
    "worth_unknown_at_first": {
        "03-12": [ad("03-11 09:00", "d1", "google"), buys("03-12 09:00", "d1", None)],
        "03-14": [buys("03-12 09:03", "d1", 50)],
    },
    "worth_unknown": {"03-12": [ad("03-11 09:00", "d1", "google"), buys("03-12 09:00", "d1", None)]},
    "nobody": {"03-12": [buys("03-12 09:00", None)]},
    "begins_in_the_same_second_on_two_devices": {
        "03-12": [
            ad("03-11 09:00", "phone", "google", customer_id="ann"),
            ad("03-11 09:00", "tablet", "bing", customer_id="ann"),
            buys("03-12 09:00", "laptop", 0.01, customer_id="ann"),
        ],
    },
    "thirty_days": {
        "02-10": [ad("02-10 10:00:00", "phone", "google"), ad("02-10 10:00:01", "tablet", "bing")],
        "03-12": [
            login("03-11 09:00", "phone", "ann"), login("03-11 09:00:01", "tablet", "ann"),
            buys("03-12 10:00:00", "laptop", customer_id="ann"),
        ],
    },
    "negative_worth": {
        "03-12": [event("03-11 09:00", "d1"), ad("03-11 12:00", "d1", "bing"), buys("03-12 09:00", "d1", -1)],
    },
    **{f"random_touches_{seed}": _random_case(seed) for seed in range(2)},  # type: ignore[dict-item]
}  # fmt: skip

#: day -> the order table's row then: number, time of the order, status
ORDER_TABLE = {
    "03-12": ("o1", "2026-03-12 01:00:00", "paid"),
    "03-14": ("o1", "2026-05-01 01:00:00", "paid"),
    "05-20": ("o1", "2026-03-11 23:00:00", "completed"),
}

#: case -> the order's touches, earliest first, as source and credit by model linear, and the money credited
CREDITED: dict[str, list[tuple[str, float, int | None]]] = {
    "late_session_enters": [("google", 0.5, 5000), ("(direct)", 0.5, 5000)],
    "late_event_joins_two_touches": [("google", 1, 10000)],
    "late_burst_makes_a_program": [("(direct)", 1, 10000)],
    "refund_after_months": [("google", 0.333333, 2222), ("bing", 0.333334, 2223), ("(direct)", 0.333333, 2222)],
    "cancelled_after_months": [("google", 0.5, 0), ("(direct)", 0.5, 0)],
    "late_log_in_joins_a_device": [("google", 0.5, 5000), ("(direct)", 0.5, 5000)],
    "order_without_a_name_gets_one": [("google", 0.5, 5000), ("(direct)", 0.5, 5000)],
    # the log-in of 11 March still names ann
    "late_log_in_makes_it_shared": [("(direct)", 0.5, 5000), ("(direct)", 0.5, 5000)],
    "late_event_names_the_session": [("google", 0.5, 5000), ("(direct)", 0.5, 5000)],
    "decided_apart": [("(direct)", 0.5, 5000), ("(direct)", 0.5, 5000)],
    "decided_together": [("google", 0.5, 5000), ("(direct)", 0.5, 5000)],
    "decided_apart_while_the_refund_comes": [("(direct)", 0.5, 4500), ("(direct)", 0.5, 4500)],
    "somebody_else_logs_in_during_the_own_session": [("google", 1, 10000)],
    # placed on d2 at 23:50, before what d1 did
    "order_moves_to_the_day_before": [("(direct)", 1, 10000)],
    "worth_unknown_at_first": [("google", 0.5, 2500), ("(direct)", 0.5, 2500)],
    "worth_unknown": [("google", 0.5, None), ("(direct)", 0.5, None)],
    "nobody": [("(none)", 1, 10000)],
    "begins_in_the_same_second_on_two_devices": [],
    "thirty_days": [("bing", 0.25, 2500), ("(direct)", 0.25, 2500), ("(direct)", 0.25, 2500), ("(direct)", 0.25, 2500)],
    "negative_worth": [("(direct)", 0.333333, -33), ("bing", 0.333334, -34), ("(direct)", 0.333333, -33)],
    # at last 12 March 07:00 local: before the visit of 08:50
    "order_table": [("google", 1, 8000)],
}


def shop_of(case: str) -> Shop:
    """The shop of a case."""
    return Shop(case, "Asia/Shanghai", "CNY")


def day_of(day: str) -> date:
    """A day `MM-DD` of 2026."""
    return date.fromisoformat(f"2026-{day}")


def land(warehouse: Warehouse, arrival: date) -> None:
    """What arrived on a day in every case, and the decisions of people on it."""
    day = f"{arrival:%m-%d}"
    for case, arrivals in CASES.items():
        arrived = arrivals.get(day)
        if isinstance(arrived, tuple):
            device, customer, action = arrived
            when = datetime.combine(day_of(day), datetime.min.time(), UTC)
            decide_identity(warehouse.lake, case, device, customer, action, "ann", "because", when)  # type: ignore[arg-type]
        elif arrived:
            warehouse.land_events(shop_of(case), day_of(day), arrived)
    if day in ORDER_TABLE:
        _land_order_table(warehouse, day, *ORDER_TABLE[day])
    if day == "03-12":
        visits = [ad("03-10 09:00", "phone", "google", customer_id="ann"), event("03-12 08:50", "phone")]
        warehouse.land_events(Shop("order_table", "Asia/Shanghai", "CNY", "tables"), day_of(day), visits)


def _land_order_table(warehouse: Warehouse, day: str, order: str, ordered_at: str, status: str) -> None:
    columns: dict[str, Any] = {name: name for name in ("order_id", "customer_id", "status", "value")}
    columns |= {name: {"column": name, "time": "iso"} for name in ("updated_at", "ordered_at")}
    mapping = {"source": "plain_orders", "contract": "orders", "format": {"type": "csv"}, "columns": columns}
    file = warehouse.home / "landing" / f"orders-{day}.csv"
    file.parent.mkdir(exist_ok=True)
    with file.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["order_id", "customer_id", "status", "value", "updated_at", "ordered_at"])
        writer.writerow([order, "ann", status, "80", f"2026-{day} 02:00:00", ordered_at])
    warehouse.land(
        [file],
        parse_mapping({**mapping, "arrival": {"rule": "event_day"}}, "orders"),
        Shop("order_table", "Asia/Shanghai", "CNY", "tables"),
    )


TOPIC = Topic(
    shops=[*CASES, "order_table"],
    land=land,
    killed_after={
        ("shuffled", day_of("02-10")): ["+int_attribution_touches"],
        ("shuffled", day_of("03-12")): ["+fct_orders", "+dim_identities"],
        ("shuffled", day_of("03-14")): ["+fct_attribution"],
        ("shuffled", day_of("05-20")): ["+int_attribution_touched", "+int_campaign_sessions"],
    },
)

"""What visitors did, case by case: what arrived on which day of 2026; the last lets "returning" reach back 30 days."""

from __future__ import annotations

import json
import random
from datetime import date, datetime, timedelta
from pathlib import Path

from ingestion.shops import Shop
from tests.properties.histories import Topic
from tests.properties.warehouse import Warehouse

MAPPING = Path(__file__).parent / "behaviour_events.yml"
ARRIVALS = ["03-10", "03-12", "03-18", "04-09"]

Event = dict[str, object]


def event(event_id: str, at: str, name: str, device: str = "d1", **more: object) -> Event:
    """An event at a local time of the shop (UTC+8), `MM-DD HH:MM[:SS]` of 2026, on a page of its own name."""
    ts = f"2026-{at.replace(' ', 'T')}+08:00"
    return {
        "event_id": event_id,
        "event_name": name,
        "event_ts": ts,
        "device_id": device,
        "page_url": f"/{name}",
        **more,
    }


TEA: Event = {"item_id": "t1", "item_category": "tea", "price": 10, "quantity": 1}
ORDER: Event = {"order_id": "o1", "value": 10}

#: arrival day -> events that arrived then
CASES: dict[str, dict[str, list[Event]]] = {
    "late_cart_completes_a_funnel_six_days_before": {
        "03-10": [event("v", "03-10 10:00", "view_item", **TEA)],
        "03-18": [
            event("p", "03-16 10:00", "purchase", **TEA, **ORDER),
            event("c", "03-15 10:00", "add_to_cart", **TEA),
        ],
    },
    "late_purchase_turns_an_earlier_day": {
        "03-10": [event("v", "03-10 10:00", "view_item", **TEA), event("c", "03-10 10:05", "add_to_cart", **TEA)],
        "03-18": [event("p", "03-17 09:59", "purchase", **ORDER), event("q", "03-17 10:01", "page_view")],
    },
    "purchase_a_minute_after_the_window": {
        "03-10": [event("v", "03-10 10:00", "view_item", **TEA), event("c", "03-10 10:05", "add_to_cart", **TEA)],
        "03-18": [event("p", "03-17 10:01", "purchase", **ORDER)],
    },
    "session_bridges_midnight": {
        "03-10": [event("v", "03-10 23:50", "view_item", **TEA)],
        "03-12": [
            event("c", "03-11 00:05", "add_to_cart", **TEA),
            event("p", "03-11 00:10", "purchase", **TEA, **ORDER),
            event("late", "03-10 23:30", "search", search_term="Green  Tea"),
        ],
    },
    "late_event_shows_a_program": {
        "03-10": [
            event("v", "03-10 10:00", "view_item", **TEA),
            event("c", "03-10 10:05", "add_to_cart", **TEA),
            event("w", "03-10 11:00", "view_item", "d2", **TEA),
            event("y", "03-09 09:00", "view_item", **TEA),
        ],
        "03-12": [event("bot", "03-10 18:00", "page_view", user_agent="curl/8.5.0")],
    },
    "seen_the_day_before_after_all": {
        "03-10": [event("v", "03-10 10:00", "view_item", **TEA)],
        "03-12": [event("late", "03-09 10:00", "page_view")],
        "04-09": [event("r", "04-09 10:00", "view_item", **TEA), event("n", "04-09 10:00", "view_item", "d2", **TEA)],
    },
    "purchase_without_items_and_a_cart_a_week_before": {
        "03-10": [event("c", "03-10 10:00", "add_to_cart", **TEA)],
        "03-18": [
            event("p", "03-17 09:00", "purchase", **ORDER),
            event("v", "03-17 08:00", "view_item", **TEA),
        ],
    },
    "late_event_names_the_category": {
        "03-10": [
            event("v", "03-10 10:00", "view_item", item_id="t1"),
            event("c", "03-10 10:05", "add_to_cart", item_id="t1", price=10, quantity=1),
        ],
        "03-12": [event("w", "03-10 20:00", "view_item", "d2", **TEA)],
    },
}


def _random_case(seed: int) -> dict[str, list[Event]]:
    """Twenty-five visitors over ten days, often at the same microsecond, some of their events late, some programs."""
    rng = random.Random(seed)
    arrivals: dict[str, list[Event]] = {day: [] for day in ARRIVALS}
    names = ["page_view", "view_item", "view_item", "search", "add_to_cart", "begin_checkout", "purchase"]
    for number in range(900):
        minute = rng.randrange(0, 10 * 24 * 60, rng.choice([1, 20, 60]))
        at = datetime(2026, 3, 8) + timedelta(minutes=minute)
        name, device = rng.choice(names), f"d{rng.randrange(25)}"
        more: Event = {}
        if name in ("view_item", "add_to_cart", "begin_checkout", "purchase") and rng.random() < 0.8:
            item = rng.randrange(8)
            more = {"item_id": f"i{item}"} | ({"item_category": f"c{item % 3}"} if rng.random() < 0.7 else {})
        if name == "purchase":
            more |= {"order_id": f"o{number}", "value": 10}
        if name == "search":
            more["search_term"] = rng.choice(["tea", " TEA", "cup  of tea", "", "茶　具"])
        if rng.random() < 0.01:
            more["user_agent"] = "python-requests/2.32"
        if rng.random() < 0.1:
            more["customer_id"] = f"k{rng.randrange(6)}"
        arrival = min(day for day in ARRIVALS if day >= f"{at:%m-%d}")
        arrivals[arrival].append(event(f"e{number}", f"{at:%m-%d %H:%M}", name, device, **more))
    return arrivals


RANDOM = [f"random_visitors_{seed}" for seed in range(3)]
CASES |= {name: _random_case(seed) for seed, name in enumerate(RANDOM)}


def _land(warehouse: Warehouse, day: date) -> None:
    for name, arrivals in CASES.items():
        events = arrivals.get(f"{day:%m-%d}", [])
        if events:
            folder = warehouse.home / "landing" / name
            folder.mkdir(exist_ok=True, parents=True)
            file = folder / f"log-{day}.jsonl"
            file.write_text("".join(json.dumps(made) + "\n" for made in events))
            warehouse.land([file], MAPPING, Shop(name, "Asia/Shanghai", "CNY"))


TOPIC = Topic(shops=list(CASES), land=_land)

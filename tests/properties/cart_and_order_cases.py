"""Tiny cases of carts, products, channels and orders, each by name: what arrived on which day of 2026."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from datetime import date, timedelta

from ingestion.mapping import parse_mapping
from ingestion.shops import Shop
from tests.properties.histories import DAY_BY_DAY, Topic
from tests.properties.warehouse import Warehouse

Event = dict[str, object]
Row = dict[str, str]
TABLES = {
    "orders": ["order_id", "updated_at", "ordered_at", "customer_id", "status", "value", "discount"],
    "order_items": ["order_id", "line_number", "updated_at", "item_id", "price", "quantity"],
    "products": ["item_id", "updated_at", "item_category"],
    "refunds": ["refund_id", "updated_at", "order_id", "refunded_at", "value", "line_number", "quantity"],
}
ITEM = {"item_id": "i1", "item_category": "Toys", "price": 10, "quantity": 1}
BOT = {"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1)", "page_url": "https://shop.example/p"}


def event(event_id: str, ts: str, name: str, visitor: str = "d1", **more: object) -> Event:
    """An event at a local time `MM-DD HH:MM[:SS]` of 2026 in a shop at UTC+8."""
    day, clock = ts.split(" ")
    stamp = f"2026-{day}T{clock}+08:00"
    return {"event_id": event_id, "event_name": name, "event_ts": stamp, "device_id": visitor, **more}


def add(event_id: str, ts: str, visitor: str = "d1", **more: object) -> Event:
    """The item put in a cart."""
    return event(event_id, ts, "add_to_cart", visitor, **{**ITEM, **more})


def remove(event_id: str, ts: str, visitor: str = "d1", **more: object) -> Event:
    """The item taken out of a cart."""
    return event(event_id, ts, "remove_from_cart", visitor, **{**ITEM, **more})


def buy(event_id: str, ts: str, order: str, visitor: str = "d1", **more: object) -> Event:
    """An order of the item."""
    return event(event_id, ts, "purchase", visitor, order_id=order, **{**ITEM, "value": 10, **more})


#: arrival day of 2026 -> events that arrived then
EVENT_CASES: dict[str, dict[str, list[Event]]] = {
    "late_addition_after_the_purchase": {
        "03-10": [add("a", "03-10 10:00"), buy("p", "03-10 10:05", "o1")],
        "03-12": [add("late", "03-10 10:10", item_id="i2"), add("between", "03-10 10:01", price=12)],
    },
    "late_purchase_closes_a_cart_from_27_days_before": {
        "03-12": [add("a", "03-12 10:00"), add("b", "03-12 10:01", item_id="i2", price=5)],
        "04-10": [buy("p", "04-08 23:58", "o1"), add("c", "04-09 00:10", item_id="i3")],
    },
    "late_removal_joins_two_carts": {
        "03-10": [add("a", "03-10 10:00")],
        "03-12": [remove("late", "03-11 10:00", item_id="i9")],
        "04-10": [add("b", "04-10 09:00", item_id="i2")],
    },
    "thirty_days_later_is_another_cart": {
        "03-10": [add("a", "03-10 10:00")],
        "04-10": [add("b", "04-10 10:00", item_id="i2"), buy("p", "04-10 11:00", "o1", item_id="i2")],
    },
    "removed_to_nothing_then_added_late": {
        "03-10": [add("a", "03-10 10:00"), remove("r", "03-10 10:02", quantity=5)],
        "03-12": [add("late", "03-10 10:01")],
    },
    "delivered_again_under_another_visitor_and_name": {
        "03-10": [add("a", "03-10 10:00", "d1"), event("b", "03-10 10:00", "page_view", "d3")],
        "03-12": [add("a", "03-10 10:00", "d2"), add("b", "03-10 10:00", "d3")],
    },
    "two_additions_in_one_microsecond": {
        "03-10": [add("a", "03-10 10:00:00.000001"), add("b", "03-10 10:00:00.000001", price=11)],
        "03-12": [remove("r", "03-10 10:00:00.000001")],
    },
    "purchase_without_a_cart": {
        "03-10": [remove("r", "03-10 09:00"), buy("p", "03-10 10:00", "o1")],
        "03-12": [buy("again", "03-11 10:00", "o1")],
    },
    "a_program_found_out_late": {
        "03-10": [add("a", "03-10 10:00"), event("v", "03-10 10:01", "view_item", **ITEM)],
        "03-12": [event("late", "03-10 23:00", "page_view", **BOT)],
    },
    "an_earlier_page_names_the_channel": {
        "03-10": [event("v", "03-11 00:10", "view_item", **ITEM), buy("p", "03-11 00:12", "o1")],
        "03-12": [event("late", "03-10 23:50", "page_view", utm_source="news", utm_medium="email", country="DE")],
    },
    "refund_months_later": {
        "03-10": [buy("p", "03-10 10:00", "o1", value=20, quantity=2, discount=3, customer_id="c1")],
        "04-10": [buy("q", "04-10 10:00", "o2", customer_id="c1")],
        "06-20": [event("r", "06-20 09:00", "refund", order_id="o1", value=10, **ITEM)],
    },
    "first_order_cancelled_months_later": {
        "03-10": [buy("p", "03-10 10:00", "o1", customer_id="c1")],
        "03-12": [buy("q", "03-12 10:00", "o2", customer_id="c1")],
        "06-20": [event("x", "06-20 09:00", "cancel_order", order_id="o1")],
    },
    "a_purchase_of_the_shops_server": {
        "03-10": [
            *(add(f"a {device}", "03-10 10:00", device) for device in ("d1", "d2", "d3", "d4", "d5")),
            event("in 1", "03-10 09:00", "login", "d1", customer_id="c1"),
            event("in 3", "03-10 09:00", "login", "d3", customer_id="c1"),
            event("out 3", "03-10 12:00", "login", "d3", customer_id="c2"),
            event("in 4", "03-10 09:00", "login", "d4", customer_id="c4"),
            {**buy("q", "03-10 12:00", "o2", customer_id="c4"), "device_id": None},
            {**buy("r", "03-10 12:00", "o3", customer_id="c6"), "device_id": None},
        ],
        # a purchase and log-ins come late; what it sent before is told again, of somebody else: in vain
        "03-12": [
            {**buy("p", "03-12 11:00", "o1", customer_id="c1"), "device_id": None},
            event("in 2", "03-10 09:30", "login", "d2", customer_id="c1"),
            event("in 5", "03-10 09:30", "login", "d5", customer_id="c6"),
            {**buy("q", "03-10 12:00", "o2", customer_id="c5"), "device_id": None},
        ],
    },
    "another_page_names_the_category_late": {
        "03-10": [add("a", "03-10 10:00", item_category=None), buy("p", "03-10 11:00", "o1", item_category=None)],
        "03-12": [event("late", "03-10 12:00", "view_item", "d2", **ITEM)],
    },
}


def order(order: str, updated: str, ordered: str, status: str = "paid", value: str = "30", **more: str) -> Row:
    """A version of an order in the shop's table, written at noon of `updated`, placed at `ordered` (UTC)."""
    stamps = {"updated_at": f"2026-{updated} 12:00:00", "ordered_at": f"2026-{ordered}:00"}
    return {"order_id": order, "customer_id": f"c-{order}", "status": status, "value": value, **stamps, **more}


#: arrival day of 2026 -> tables and events that arrived then, of shops whose orders come from their table
TABLE_CASES: dict[str, dict[str, list[tuple[str, list[Row] | list[Event]]]]] = {
    "order_moved_to_another_day": {
        "03-10": [
            ("orders", [order("o1", "03-10", "03-10 01:00"), order("o2", "03-10", "03-10 02:00")]),
            ("events", [buy("p", "03-10 09:00", "o1", value=30)]),
        ],
        "04-10": [("orders", [order("o1", "04-10", "03-11 01:00", value="31", discount="4")])],
    },
    "only_the_catalogue_knows_categories": {
        "03-10": [
            ("products", [{"item_id": "i1", "updated_at": "2026-03-10 12:00:00", "item_category": "Toys"}]),
            ("events", [add("early", "03-09 10:00", item_category=None)]),
        ],
        "03-12": [("events", [add("a", "03-12 10:00", item_category=None)])],
        "04-10": [
            ("products", [{"item_id": "i1", "updated_at": "2026-04-10 12:00:00", "item_category": "Games"}]),
            ("events", [add("b", "04-10 10:00", item_category=None), add("c", "04-09 10:00", item_category=None)]),
        ],
    },
    "untracked_and_test_orders": {
        "03-10": [("events", [buy("p", "03-10 09:00", "o1", value=30), buy("t", "03-10 09:30", "test", value=1)])],
        "03-12": [("orders", [order("o1", "03-12", "03-10 01:00"), order("o2", "03-12", "03-10 02:00", value="20")])],
    },
    "lines_given_back_months_later": {
        "03-10": [
            ("orders", [order("o1", "03-10", "03-10 01:00"), order("o2", "03-10", "03-10 01:00")]),
            (
                "order_items",
                [
                    {"order_id": order, "line_number": line, "updated_at": "2026-03-10 12:00:00"}
                    | {"item_id": f"i{line}", "price": "10", "quantity": line}
                    for order in ("o1", "o2")
                    for line in ("1", "2")
                ],
            ),
        ],
        "04-10": [("orders", [order("o2", "04-10", "03-10 01:00", "cancelled")])],
        "06-20": [
            (
                "refunds",
                [
                    {"refund_id": "r1", "updated_at": "2026-06-20 12:00:00", "refunded_at": "2026-06-20 12:00:00"}
                    | {"order_id": "o1", "value": "10", "line_number": "2", "quantity": "1"}
                ],
            )
        ],
    },
}


def _random_shop(seed: int) -> dict[str, list[Event]]:
    """Visitors who add, remove and buy over a month, some of it delivered late or twice."""
    rng = random.Random(seed)
    arrivals: dict[str, list[Event]] = {day: [] for day in ("03-10", "03-12", "04-10")}
    for number in range(400):
        arrival = rng.choice(list(arrivals))
        happened = date.fromisoformat(f"2026-{arrival}") - timedelta(days=rng.randrange(4))
        moment = f"{happened:%m-%d} {rng.randrange(24):02d}:{rng.randrange(0, 60, 20):02d}"
        made = rng.choice([add, add, remove])(
            f"e{number}",
            moment,
            f"d{rng.randrange(25)}",
            item_id=f"i{rng.randrange(4)}",
            price=rng.choice([5, 7, None]),
        )
        if rng.random() < 0.2:
            made = buy(f"e{number}", moment, f"o{rng.randrange(40)}", str(made["device_id"]), price=rng.randrange(9))
        arrivals[arrival].append(made)
        if rng.random() < 0.1:
            arrivals[rng.choice(list(arrivals))].append({**made, "device_id": f"d{rng.randrange(25)}"})
    return arrivals


def _random_server_shop(seed: int) -> dict[str, list[Event]]:
    """Customers who log in and add on several devices and buy through the shop's server, late and twice as well."""
    rng = random.Random(seed)
    arrivals: dict[str, list[Event]] = {day: [] for day in ("03-10", "03-12", "04-10")}
    for number in range(300):
        arrival = rng.choice(list(arrivals))
        happened = date.fromisoformat(f"2026-{arrival}") - timedelta(days=rng.randrange(4))
        moment = f"{happened:%m-%d} {rng.randrange(24):02d}:{rng.randrange(0, 60, 20):02d}"
        mine = rng.randrange(60)
        device, customer = f"d{mine}", f"c{mine if rng.random() < 0.8 else rng.randrange(60)}"
        made = add(f"e{number}", moment, device, item_id=f"i{rng.randrange(3)}")
        if rng.random() < 0.3:
            made = event(f"e{number}", moment, "login", device, customer_id=customer)
        elif rng.random() < 0.4:
            bought = buy(f"e{number}", moment, f"o{rng.randrange(60)}", customer_id=customer)
            made = {**bought, "device_id": rng.choice([None, None, device])}
        arrivals[arrival].append(made)
        if rng.random() < 0.15:
            again = {"customer_id": f"c{rng.randrange(60)}"} if "customer_id" in made else {"device_id": "d1"}
            arrivals[rng.choice(list(arrivals))].append({**made, **again})
    return arrivals


EVENT_CASES["random_server"] = _random_server_shop(3)
EVENT_CASES |= {f"random_carts_{seed}": _random_shop(seed) for seed in range(2)}


def _land_table(warehouse: Warehouse, shop: Shop, day: date, table: str, rows: Sequence[Row]) -> None:
    times = {"updated_at", "ordered_at", "refunded_at"}
    columns = {name: {"column": name, "time": "iso"} if name in times else name for name in TABLES[table]}
    mapping = {"source": f"plain_{table}", "contract": table, "format": {"type": "csv"}, "columns": columns}
    file = warehouse.home / "landing" / f"{shop.shop_id}-{day}-{table}.csv"
    file.parent.mkdir(exist_ok=True)
    with file.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, TABLES[table])
        writer.writeheader()
        writer.writerows(rows)
    warehouse.land([file], parse_mapping({**mapping, "arrival": {"rule": "event_day"}}, table), shop)


def _land(warehouse: Warehouse, arrival: date) -> None:
    day = f"{arrival:%m-%d}"
    for name, events in EVENT_CASES.items():
        if day in events:
            warehouse.land_events(Shop(name, "Asia/Shanghai", "CNY"), arrival, events[day])
    for name, deliveries in TABLE_CASES.items():
        shop = Shop(name, "Asia/Shanghai", "CNY", "tables")
        for kind, rows in deliveries.get(day, []):
            if kind == "events":
                warehouse.land_events(shop, arrival, rows)
            else:
                _land_table(warehouse, shop, arrival, kind, rows)  # type: ignore[arg-type]


#: A run that dies when carts and orders are written and what is summed up from them is not.
_DEAD = ["+fct_orders", "+fct_carts", "+int_order_tracking"]
TOPIC = Topic(
    shops=[*EVENT_CASES, *TABLE_CASES],
    land=_land,
    killed_after={(DAY_BY_DAY, date(2026, 4, 10)): _DEAD, (DAY_BY_DAY, date(2026, 6, 20)): _DEAD},
)

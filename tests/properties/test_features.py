"""Point-in-time features: nothing dated as_of or later moves a byte of them, and the check can tell a leak."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.mapping import SourceMapping, parse_mapping
from ingestion.shops import Shop
from tests.properties.warehouse import Warehouse

Event = dict[str, object]
CUTOFF = date(2026, 3, 12)
#: The check: a query of features as of CUTOFF, and of the days before it.
FEATURES = (
    f"select * from features.customer_features(date '{CUTOFF}') order by all",
    f"select * from features.feat_customer_days where event_date < '{CUTOFF}' order by all",
)
#: The features, and what the planted leaks read.
MODELS = ("+feat_customers", "+fct_orders", "+agg_user_daily", "+dim_identities")
TABLE_COLUMNS = {
    "orders": ["order_id", "updated_at", "ordered_at", "customer_id", "status", "value", "coupon"],
    "order_items": ["order_id", "line_number", "updated_at", "item_id", "price", "quantity"],
    "refunds": ["refund_id", "updated_at", "order_id", "refunded_at", "value"],
}


def _event(event_id: str, ts: str, name: str = "page_view", device: str | None = "d1", **more: object) -> Event:
    """An event at a local time of the shop (UTC+8), `DD HH:MM:SS` in March 2026."""
    day, clock = ts.split(" ")
    stamp = f"2026-03-{day}T{clock}+08:00"
    return {"event_id": event_id, "event_name": name, "event_ts": stamp, "device_id": device, **more}


def _sold(value: int | None, order: str = "o1") -> Event:
    return {"order_id": order, "item_id": "i1", "price": 5, "quantity": 1, **({"value": value} if value else {})}


#: shop -> events; each holds something after the cutoff that reaches back in the tables of record
CASES: dict[str, list[Event]] = {
    "reload_with_a_greater_value": [
        _event("p", "11 23:58:00", "purchase", customer_id="c1", **_sold(20)),
        _event("p2", "12 00:04:00", "purchase", customer_id="c1", **_sold(50)),
    ],
    "order_gets_its_customer_later": [
        _event("p", "11 10:00:00", "purchase", **_sold(20)),
        _event("p2", "13 10:00:00", "purchase", customer_id="c1", **_sold(20)),
    ],
    "cancelled_later": [
        _event("p", "10 10:00:00", "purchase", customer_id="c1", **_sold(20)),
        _event("r", "11 10:00:00", "refund", order_id="o1", value=5),
        _event("c", "14 10:00:00", "cancel_order", None, order_id="o1"),
    ],
    "refund_known_before_its_purchase": [
        _event("r", "11 10:00:00", "refund", None, customer_id="c1", order_id="o1", value=30),
        _event("p", "12 10:00:00", "purchase", customer_id="c1", **_sold(20)),
    ],
    "rush_over_midnight": [
        *(_event(f"n{n:02d}", f"11 23:59:{n:02d}", customer_id="c1") for n in range(40)),
        *(_event(f"m{n:02d}", f"12 00:00:{n:02d}", customer_id="c1") for n in range(40)),
    ],
    "device_logs_in_later": [
        _event("v", "10 10:00:00", "view_item", item_id="i1", item_category="shoes"),
        _event("k", "11 10:00:00", customer_id="c1", device="d2"),
        _event("l", "13 10:00:00", "login", customer_id="c1"),
    ],
}


def _random_case(seed: int) -> list[Event]:
    """A thousand events of thirty devices over six days, a quarter of them about sixty orders."""
    rng = random.Random(seed)
    events = []
    for number in range(1000):
        second = rng.randrange(6 * 86_400)
        stamp = f"{9 + second // 86_400:02d} {second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        name = rng.choice(["page_view", "view_item", "add_to_cart", "search", "begin_checkout"])
        more: Event = {"item_id": f"i{rng.randrange(9)}", "item_category": f"k{rng.randrange(4)}"}
        if rng.random() < 0.25:
            name = rng.choice(["purchase", "purchase", "refund", "cancel_order"])
            more = _sold(rng.choice([None, rng.randrange(1, 200)]), f"o{rng.randrange(60)}")
            if rng.random() < 0.3:
                more |= {"coupon": "SALE"}
        if rng.random() < 0.4:
            more |= {"customer_id": f"c{rng.randrange(12)}"}
        events.append(_event(f"e{number}", stamp, name, f"d{rng.randrange(30)}", **more))
    return events


CASES |= {f"random_{seed}": _random_case(seed) for seed in range(3)}


def _table(table: str) -> SourceMapping:
    times = {"updated_at", "ordered_at", "refunded_at"}
    columns = {name: {"column": name, "time": "iso"} if name in times else name for name in TABLE_COLUMNS[table]}
    data = {"source": f"plain_{table}", "contract": table, "format": {"type": "csv"}, "columns": columns}
    return parse_mapping({**data, "arrival": {"rule": "event_day"}}, table)


def _table_rows() -> dict[str, list[dict[str, str]]]:
    """Versions of a shop's own orders, lines and refunds; times in UTC, so before 16:00 of the shop's same day."""

    def order(order_id: str, updated: str, status: str, value: str) -> dict[str, str]:
        made = {"order_id": order_id, "updated_at": f"2026-03-{updated} 12:00:00"}
        placed = {"ordered_at": "2026-03-10 09:00:00", "customer_id": "c1", "coupon": ""}
        return made | placed | {"status": status, "value": value}

    def refund(refund_id: str, updated: str, order_id: str, value: str) -> dict[str, str]:
        times = {"updated_at": f"2026-03-{updated} 12:00:00", "refunded_at": "2026-03-11 11:00:00"}
        return {"refund_id": refund_id, "order_id": order_id, "value": value} | times

    def line(order_id: str, number: str, updated: str, quantity: str) -> dict[str, str]:
        sold = {"order_id": order_id, "line_number": number, "updated_at": f"2026-03-{updated} 12:00:00"}
        return sold | {"item_id": "i1", "price": "10", "quantity": quantity}

    return {
        # a line that was added later, and one that was corrected later
        "order_items": [
            *(line("o1", "1", "10", "3"), line("o1", "2", "13", "7")),
            *(line("o2", "1", "10", "2"), line("o2", "1", "13", "5")),
        ],
        "orders": [
            *(order("o1", "10", "paid", "30"), order("o1", "13", "paid", "90")),
            *(order("o2", "10", "paid", "30"), order("o2", "14", "cancelled", "30")),
            *(order("o3", "10", "paid", "30"), order("o3", "11", "cancelled", "30"), order("o3", "13", "paid", "30")),
            *(order("o4", "10", "paid", "30"), order("o4", "13", "refunded", "30")),
            *(order("o5", "10", "paid", "30"), order("o6", "10", "paid", "30")),
        ],
        "refunds": [
            *(refund("r5", "11", "o5", "10"), refund("r5", "13", "o5", "25")),
            *(refund("r6", "11", "o5", "5"), refund("r6", "13", "o6", "5")),
        ],
    }


def _local_day(event: Event) -> date:
    return datetime.fromisoformat(str(event["event_ts"])).date()


def _future_kept(events: list[Event]) -> list[Event]:
    return events


def _future_removed(events: list[Event]) -> list[Event]:
    return [event for event in events if _local_day(event) < CUTOFF]


def _future_shuffled(events: list[Event]) -> list[Event]:
    """What happens from the cutoff on happens to other devices, customers and orders, at the same times."""
    past, future = _future_removed(events), [event for event in events if _local_day(event) >= CUTOFF]
    others = random.Random(1).sample(future, len(future))
    times = ("event_id", "event_ts")
    return past + [{**other, **{key: mine[key] for key in times}} for mine, other in zip(future, others, strict=True)]


def _future_added(events: list[Event]) -> list[Event]:
    """Every order and device known before the cutoff meets new events after it."""
    added = []
    for number, event in enumerate(_future_removed(events)):
        same = {key: event[key] for key in ("device_id", "order_id") if event.get(key)}
        name = ["purchase", "refund", "cancel_order", "login"][number % 4] if "order_id" in same else "login"
        stamp = f"{CUTOFF}T00:{number % 60:02d}:30+08:00"
        made = {"event_id": f"added{number}", "event_name": name, "event_ts": stamp, "customer_id": "late", **same}
        added.append(made | ({"value": 500} if name in ("purchase", "refund") else {}))
    return events + added


def _built(home: Path, future: Callable[[list[Event]], list[Event]]) -> Warehouse:
    warehouse = Warehouse(home)
    for name, events in CASES.items():
        by_arrival: dict[date, list[Event]] = {}
        for event in future(events):
            # some arrive a day late, across the cutoff: what counts is the day they are dated
            late = timedelta(days=len(str(event["event_id"])) % 2)
            by_arrival.setdefault(_local_day(event) + late, []).append(event)
        for arrival, arrived in by_arrival.items():
            warehouse.land_events(Shop(name, "Asia/Shanghai", "CNY"), arrival, arrived)
    for table, rows in _table_rows().items():
        if future is not _future_kept:
            rows = [row for row in rows if row["updated_at"] < f"{CUTOFF}"]
        file = home / f"{table}.csv"
        with file.open("w", newline="") as out:
            writer = csv.DictWriter(out, TABLE_COLUMNS[table])
            writer.writeheader()
            writer.writerows(rows)
        warehouse.land([file], _table(table), Shop("tables", "Asia/Shanghai", "CNY", "tables"))
    warehouse.build(select=MODELS)
    return warehouse


@pytest.fixture(scope="module")
def actual(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """What happened, all of it."""
    return _built(tmp_path_factory.mktemp("actual"), _future_kept)


FUTURES = {"removed": _future_removed, "shuffled": _future_shuffled, "added": _future_added}


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Warehouse]:
    """The same past with other futures."""
    return {name: _built(tmp_path_factory.mktemp(name), future) for name, future in FUTURES.items()}


def leaks(query: str, one: Warehouse, another: Warehouse) -> list[tuple[object, ...]]:
    """Rows of a query of features as of CUTOFF that depend on what came later."""
    return sorted(set(one.rows(query)) ^ set(another.rows(query)), key=repr)


@pytest.mark.parametrize("future", FUTURES)
def test_no_feature_knows_the_future(actual: Warehouse, others: dict[str, Warehouse], future: str) -> None:
    for query in FEATURES:
        assert len(actual.rows(query)) > 30
        assert leaks(query, actual, others[future]) == []


#: Features as one might write them, and what makes them leak.
PLANTED = {
    "orders as known today": "select shop_id, customer_id, sum(net_revenue_minor) from marts.fct_orders "
    f"where order_date < date '{CUTOFF}' and customer_id is not null group by all",
    "bots by whole sessions": "select shop_id, customer_id, sum(events) from marts.agg_user_daily "
    f"where event_date < date '{CUTOFF}' and not is_bot and customer_id is not null group by all",
    "customers of merged devices": "select days.shop_id, identities.customer_id, sum(days.events) "
    "from marts.agg_user_daily as days join marts.dim_identities as identities "
    "on identities.shop_id = days.shop_id and identities.anonymous_id = days.visitor_id and identities.is_merged "
    f"where days.event_date < date '{CUTOFF}' group by all",
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_the_check_catches_a_planted_leak(actual: Warehouse, others: dict[str, Warehouse], mistake: str) -> None:
    assert any(leaks(PLANTED[mistake], actual, other) for other in others.values())


def test_rows_of_the_grid_are_those_of_the_macro(actual: Warehouse) -> None:
    days = actual.rows("select as_of, count(*) from features.feat_customers group by 1 order by 1")
    assert days
    for day, rows in days:
        shops = f"select shop_id from features.feat_as_of_dates where as_of = date '{day}'"
        macro = f"select * from features.customer_features(date '{day}') where shop_id in ({shops}) order by all"
        assert rows > 0
        grid = f"select * from features.feat_customers where as_of = '{day}' order by all"
        assert actual.rows(grid) == actual.rows(macro)


def test_numbers_of_one_customer(actual: Warehouse) -> None:
    """Worth as it was known before the cutoff: 20 and not 50; a later cancellation takes nothing back."""
    rows = {
        shop: tuple(money)
        for shop, *money in actual.rows(
            "select shop_id, orders_placed, gross_minor, refund_minor, net_revenue_minor, days_since_last_order "
            f"from features.customer_features(date '{CUTOFF}') where customer_id = 'c1' and shop_id not like 'random%'"
        )
    }
    assert rows["reload_with_a_greater_value"] == (1, 2000, 0, 2000, 1)
    assert rows["cancelled_later"] == (1, 2000, 500, 1500, 2)
    assert rows["refund_known_before_its_purchase"] == (0, 0, 3000, -3000, None)
    # six orders of 30; one cancelled for all that was known then, refunds of 10 and 5 on the fifth
    assert rows["tables"] == (6, 18000, 4500, 13500, 2)
    assert "order_gets_its_customer_later" not in rows


#: What customer_outcomes adds up, and the column of customer_features that counts it over all history.
OVER_ALL_HISTORY = {
    "orders_placed": "orders_placed",
    "order_days": "order_days",
    "gross_minor": "gross_minor",
    "net_revenue_minor": "net_revenue_minor",
    "days_active": "active_days",
}


@pytest.mark.parametrize("horizon", [1, 3, 400])
@pytest.mark.parametrize("before", [0, 2])
def test_outcomes_are_what_features_grow_by(actual: Warehouse, before: int, horizon: int) -> None:
    as_of = CUTOFF - timedelta(days=before)
    end = as_of + timedelta(days=horizon)
    grown = ", ".join(f"coalesce(late.{b}, 0) - coalesce(early.{b}, 0) as {b}" for b in OVER_ALL_HISTORY.values())
    expected = actual.rows(
        f"select early.shop_id, early.customer_id, {grown} from features.customer_features(date '{as_of}') as early "
        f"join features.customer_features(date '{end}') as late using (shop_id, customer_id) order by all"
    )
    found = ", ".join(f"coalesce({name}, 0)" for name in OVER_ALL_HISTORY)
    outcomes = f"features.customer_outcomes(date '{as_of}', {horizon})"
    assert len(expected) > 30 and any(row[2] for row in expected)
    assert actual.rows(f"select shop_id, customer_id, {found} from {outcomes} order by all") == expected


def test_outcomes_of_one_customer(actual: Warehouse) -> None:
    """From 11 March on: what came before is not counted, and a horizon that the data do not cover is not complete."""

    def outcome(shop: str, as_of: str, horizon: int, customer: str = "c1") -> list[tuple[object, ...]]:
        return actual.rows(
            "select orders_placed, order_days, gross_minor, net_revenue_minor, days_active, is_complete "
            f"from features.customer_outcomes(date '{as_of}', {horizon}) "
            f"where shop_id = '{shop}' and customer_id = '{customer}'"
        )

    # ordered on 10 March (20.00), 5.00 given back on the 11th, the rest when it was cancelled on the 14th
    assert outcome("cancelled_later", "2026-03-10", 1) == []
    assert outcome("cancelled_later", "2026-03-11", 1) == [(0, 0, 0, -500, 0, True)]
    assert outcome("cancelled_later", "2026-03-11", 4) == [(0, 0, 0, -2000, 0, True)]
    assert outcome("cancelled_later", "2026-03-11", 5) == [(0, 0, 0, -2000, 0, False)]
    # known by a refund of 30.00 on the 11th; what it was for, 20.00, comes on the 12th
    ((orders, order_days, gross, *_),) = outcome("refund_known_before_its_purchase", "2026-03-12", 1)
    assert (orders, order_days, gross) == (1, 1, 2000)
    assert outcome("device_logs_in_later", "2026-03-13", 1) == [(0, 0, 0, 0, 1, True)]


def test_outcomes_have_the_customers_of_the_features(actual: Warehouse) -> None:
    keys = "select shop_id, as_of, customer_id from features.{} order by all"
    features = actual.rows(keys.format(f"customer_features(date '{CUTOFF}')"))
    assert len(features) > 30
    assert actual.rows(keys.format(f"customer_outcomes(date '{CUTOFF}', 30)")) == features

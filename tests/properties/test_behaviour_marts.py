"""Funnels, searches, paths and cohorts: any order of arrival ends in the bytes of a full refresh, and in the truth."""

from __future__ import annotations

import json
import random
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.shops import Shop
from tests.properties.funnel_by_hand import Funnel, funnel_by_hand
from tests.properties.warehouse import Export, Warehouse, assert_same_export

MAPPING = Path(__file__).parent / "behaviour_events.yml"
#: Arrival days of 2026; the last lets "returning" reach back 30 days.
ARRIVALS = ["03-10", "03-12", "03-18", "04-09"]
MARTS = ["agg_funnel_daily", "agg_activity_hourly", "agg_search_terms", "agg_paths", "agg_retention_cohorts"]
COUNTS = "units, views, carts, checkouts, purchases, carts_any_order, checkouts_any_order, purchases_any_order"

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


tea: Event = {"item_id": "t1", "item_category": "tea", "price": 10, "quantity": 1}
order: Event = {"order_id": "o1", "value": 10}

#: arrival day -> events that arrived then
CASES: dict[str, dict[str, list[Event]]] = {
    "late_cart_completes_a_funnel_six_days_before": {
        "03-10": [event("v", "03-10 10:00", "view_item", **tea)],
        "03-18": [
            event("p", "03-16 10:00", "purchase", **tea, **order),
            event("c", "03-15 10:00", "add_to_cart", **tea),
        ],
    },
    "late_purchase_turns_an_earlier_day": {
        "03-10": [event("v", "03-10 10:00", "view_item", **tea), event("c", "03-10 10:05", "add_to_cart", **tea)],
        "03-18": [event("p", "03-17 09:59", "purchase", **order), event("q", "03-17 10:01", "page_view")],
    },
    "purchase_a_minute_after_the_window": {
        "03-10": [event("v", "03-10 10:00", "view_item", **tea), event("c", "03-10 10:05", "add_to_cart", **tea)],
        "03-18": [event("p", "03-17 10:01", "purchase", **order)],
    },
    "session_bridges_midnight": {
        "03-10": [event("v", "03-10 23:50", "view_item", **tea)],
        "03-12": [
            event("c", "03-11 00:05", "add_to_cart", **tea),
            event("p", "03-11 00:10", "purchase", **tea, **order),
            event("late", "03-10 23:30", "search", search_term="Green  Tea"),
        ],
    },
    "late_event_shows_a_program": {
        "03-10": [
            event("v", "03-10 10:00", "view_item", **tea),
            event("c", "03-10 10:05", "add_to_cart", **tea),
            event("w", "03-10 11:00", "view_item", "d2", **tea),
            event("y", "03-09 09:00", "view_item", **tea),
        ],
        "03-12": [event("bot", "03-10 18:00", "page_view", user_agent="curl/8.5.0")],
    },
    "seen_the_day_before_after_all": {
        "03-10": [event("v", "03-10 10:00", "view_item", **tea)],
        "03-12": [event("late", "03-09 10:00", "page_view")],
        "04-09": [event("r", "04-09 10:00", "view_item", **tea), event("n", "04-09 10:00", "view_item", "d2", **tea)],
    },
    "purchase_without_items_and_a_cart_a_week_before": {
        "03-10": [event("c", "03-10 10:00", "add_to_cart", **tea)],
        "03-18": [
            event("p", "03-17 09:00", "purchase", **order),
            event("v", "03-17 08:00", "view_item", **tea),
        ],
    },
    "late_event_names_the_category": {
        "03-10": [
            event("v", "03-10 10:00", "view_item", item_id="t1"),
            event("c", "03-10 10:05", "add_to_cart", item_id="t1", price=10, quantity=1),
        ],
        "03-12": [event("w", "03-10 20:00", "view_item", "d2", **tea)],
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


RANDOM = [f"random_{seed}" for seed in range(3)]
CASES |= {name: _random_case(seed) for seed, name in enumerate(RANDOM)}


def _shop(name: str) -> Shop:
    return Shop(name, "Asia/Shanghai", "CNY")


def _day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


class BehaviourWarehouse(Warehouse):
    """A home of the behaviour marts and what they stand on, without the other marts."""

    def land_arrivals(self, day: str) -> None:
        """Land what arrived on a day, of every case."""
        for name, arrivals in CASES.items():
            folder = self.home / "landing" / name
            folder.mkdir(exist_ok=True, parents=True)
            file = folder / f"log-{_day(day)}.jsonl"
            file.write_text("".join(json.dumps(made) + "\n" for made in arrivals.get(day, [])))
            self.land([file], MAPPING, _shop(name))

    def _dbt(self, *arguments: str) -> None:
        chosen = ["--select", *(f"+{mart}" for mart in MARTS)] if arguments[0] == "run" else []
        super()._dbt(*arguments, *chosen)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> BehaviourWarehouse:
    """Everything landed, then one full refresh."""
    warehouse = BehaviourWarehouse(tmp_path_factory.mktemp("whole"))
    for day in ARRIVALS:
        warehouse.land_arrivals(day)
    warehouse.build()
    return warehouse


@pytest.fixture(scope="module")
def stepwise(tmp_path_factory: pytest.TempPathFactory) -> list[Export]:
    """A day lands, its run follows, then the next day lands: in order, and with the newest days first."""
    exports = []
    for days in (ARRIVALS, [ARRIVALS[3], ARRIVALS[2], ARRIVALS[0], ARRIVALS[1]]):
        warehouse = BehaviourWarehouse(tmp_path_factory.mktemp("stepwise"))
        for day in days:
            warehouse.land_arrivals(day)
            warehouse.build(_day(day))
        exports.append(warehouse.export())
    return exports


@pytest.mark.parametrize("name", CASES)
def test_any_order_of_arrival_ends_in_the_same_bytes(
    name: str, whole: BehaviourWarehouse, stepwise: list[Export]
) -> None:
    expected = whole.export()
    assert expected["agg_funnel_daily", name], "the case left no funnel"
    for export in stepwise:
        assert_same_export(export, expected, name)


def _funnel(warehouse: Warehouse, shop: str) -> Funnel:
    rows = warehouse.rows(
        f"select unit, funnel_date, dimension, dimension_value, {COUNTS} from marts.agg_funnel_daily "
        f"where shop_id = '{shop}' and dimension in ('all', 'category', 'visitor_type')"
    )
    return {row[:4]: row[4:] for row in rows}  # type: ignore[misc]


@pytest.mark.parametrize("name", CASES)
def test_funnel_equals_one_computed_by_hand(name: str, whole: BehaviourWarehouse) -> None:
    ours, by_hand = _funnel(whole, name), funnel_by_hand(whole, name)
    assert {key: (ours.get(key), by_hand.get(key)) for key in ours | by_hand if ours.get(key) != by_hand.get(key)} == {}


def test_random_funnels_are_worth_comparing(whole: BehaviourWarehouse) -> None:
    """Orders in every state: what passes in order is less than what happened, and never nothing."""
    for name in RANDOM:
        for (unit, _, dimension, _), counts in _funnel(whole, name).items():
            if dimension == "all" and unit == "visitor" and counts[4] < counts[7]:
                break
        else:
            raise AssertionError(f"{name}: every purchase came in order")
        assert sum(counts[4] for (_, _, dimension, _), counts in _funnel(whole, name).items() if dimension == "all") > 5


#: case -> (unit, day of March, units, views, carts, checkouts, purchases, purchases in any order)
EXPECTED = {
    "late_cart_completes_a_funnel_six_days_before": [
        ("session", 10, 1, 1, 0, 0, 0, 0),
        ("session", 15, 1, 0, 0, 0, 0, 0),
        ("session", 16, 1, 0, 0, 0, 0, 1),
        ("visitor", 10, 1, 1, 1, 1, 1, 1),
        ("visitor", 15, 1, 0, 0, 0, 0, 0),
        ("visitor", 16, 1, 0, 0, 0, 0, 1),
    ],
    "late_purchase_turns_an_earlier_day": [
        ("session", 10, 1, 1, 1, 0, 0, 0),
        ("session", 17, 1, 0, 0, 0, 0, 1),
        ("visitor", 10, 1, 1, 1, 1, 1, 1),
        ("visitor", 17, 1, 0, 0, 0, 0, 1),
    ],
    "purchase_a_minute_after_the_window": [
        ("session", 10, 1, 1, 1, 0, 0, 0),
        ("session", 17, 1, 0, 0, 0, 0, 1),
        ("visitor", 10, 1, 1, 1, 0, 0, 0),
        ("visitor", 17, 1, 0, 0, 0, 0, 1),
    ],
    "session_bridges_midnight": [
        ("session", 10, 1, 1, 1, 1, 1, 1),
        ("visitor", 10, 1, 1, 1, 1, 1, 1),
        ("visitor", 11, 1, 0, 0, 0, 0, 1),
    ],
    "late_event_shows_a_program": [
        ("session", 9, 1, 1, 0, 0, 0, 0),
        ("session", 10, 1, 1, 0, 0, 0, 0),
        ("visitor", 9, 1, 1, 0, 0, 0, 0),
        ("visitor", 10, 1, 1, 0, 0, 0, 0),
    ],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_named_cases_end_as_they_say(name: str, whole: BehaviourWarehouse) -> None:
    rows = whole.rows(
        "select unit, day(funnel_date), units, views, carts, checkouts, purchases, purchases_any_order "
        f"from marts.agg_funnel_daily where shop_id = '{name}' and dimension = 'all' order by all"
    )
    assert rows == EXPECTED[name]


def test_new_is_who_was_not_seen_for_thirty_days(whole: BehaviourWarehouse) -> None:
    rows = whole.rows(
        "select funnel_date, dimension_value, units from marts.agg_funnel_daily "
        "where shop_id = 'seen_the_day_before_after_all' and unit = 'visitor' and dimension = 'visitor_type' "
        "order by all"
    )
    assert rows == [
        (_day("03-09"), "new", 1),
        (_day("03-10"), "returning", 1),
        (_day("04-09"), "new", 1),
        (_day("04-09"), "returning", 1),
    ]


def test_what_names_no_item_and_what_names_no_category(whole: BehaviourWarehouse) -> None:
    rows = whole.rows(
        "select dimension_value, units, views, carts, purchases, purchases_any_order from marts.agg_funnel_daily "
        "where shop_id = 'purchase_without_items_and_a_cart_a_week_before' and unit = 'visitor' "
        "and dimension = 'category' and funnel_date = date '2026-03-17'"
    )
    # carted a week before the view: the purchase is of tea, but in no order
    assert rows == [("tea", 1, 1, 0, 0, 1)]
    rows = whole.rows(
        "select dimension_value, units, views, carts from marts.agg_funnel_daily "
        "where shop_id = 'late_event_names_the_category' and unit = 'session' and dimension = 'category'"
    )
    assert rows == [("tea", 2, 2, 1)]


def test_paths_and_searches_of_a_session_over_midnight(whole: BehaviourWarehouse) -> None:
    shop = "shop_id = 'session_bridges_midnight'"
    assert whole.rows(
        "select search_date, search_term, searches, sessions, sessions_with_view_after, sessions_with_purchase_after "
        f"from marts.agg_search_terms where {shop}"
    ) == [(_day("03-10"), "green tea", 1, 1, 1, 1)]
    assert whole.rows(
        f"select path_date, from_value, to_value from marts.agg_paths where {shop} and path_kind = 'page' order by all"
    ) == [
        (_day("03-10"), "(entrance)", "/search"),
        (_day("03-10"), "/add_to_cart", "/purchase"),
        (_day("03-10"), "/purchase", "(exit)"),
        (_day("03-10"), "/search", "/view_item"),
        (_day("03-10"), "/view_item", "/add_to_cart"),
    ]
    assert whole.rows(
        f"select activity_date, hour, weekday, events, sessions, purchases from marts.agg_activity_hourly where {shop} "
        "order by all"
    ) == [(_day("03-10"), 23, 2, 2, 1, 0), (_day("03-11"), 0, 3, 2, 0, 1)]


def test_a_full_refresh_passes_every_test_on_meaning(whole: BehaviourWarehouse) -> None:
    names = [*MARTS, "int_session_funnels", "int_visitor_funnels", "int_funnel_views", "int_funnel_steps"]
    Warehouse._dbt(whole, "test", "--select", *(f"{name},test_type:data" for name in names))

"""Funnels, searches, paths and cohorts: any order of arrival ends in the bytes of a full refresh, and in the truth."""

from __future__ import annotations

from datetime import date

import pytest

from tests.properties.behaviour_cases import CASES, RANDOM
from tests.properties.funnel_by_hand import Funnel, funnel_by_hand
from tests.properties.histories import Histories
from tests.properties.warehouse import Warehouse, assert_same_export

MARTS = ["agg_funnel_daily", "agg_activity_hourly", "agg_search_terms", "agg_paths", "agg_retention_cohorts"]
COUNTS = "units, views, carts, checkouts, purchases, carts_any_order, checkouts_any_order, purchases_any_order"


def _day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


@pytest.mark.parametrize("name", CASES)
def test_any_order_of_arrival_ends_in_the_same_bytes(name: str, spring: Histories, spring_order: str) -> None:
    assert spring.expected["agg_funnel_daily", name], "the case left no funnel"
    assert_same_export(spring.export(spring_order), spring.expected, name)


def _funnel(warehouse: Warehouse, shop: str) -> Funnel:
    rows = warehouse.rows(
        f"select unit, funnel_date, dimension, dimension_value, {COUNTS} from marts.agg_funnel_daily "
        f"where shop_id = '{shop}' and dimension in ('all', 'category', 'visitor_type')"
    )
    return {row[:4]: row[4:] for row in rows}  # type: ignore[misc]


@pytest.mark.parametrize("name", CASES)
def test_funnel_equals_one_computed_by_hand(name: str, spring: Histories) -> None:
    ours, by_hand = _funnel(spring.whole, name), funnel_by_hand(spring.whole, name)
    assert {key: (ours.get(key), by_hand.get(key)) for key in ours | by_hand if ours.get(key) != by_hand.get(key)} == {}


def test_random_funnels_are_worth_comparing(spring: Histories) -> None:
    """Orders in every state: what passes in order is less than what happened, and never nothing."""
    for name in RANDOM:
        for (unit, _, dimension, _), counts in _funnel(spring.whole, name).items():
            if dimension == "all" and unit == "visitor" and counts[4] < counts[7]:
                break
        else:
            raise AssertionError(f"{name}: every purchase came in order")
        assert (
            sum(counts[4] for (_, _, dimension, _), counts in _funnel(spring.whole, name).items() if dimension == "all")
            > 5
        )


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
def test_named_cases_end_as_they_say(name: str, spring: Histories) -> None:
    rows = spring.whole.rows(
        "select unit, day(funnel_date), units, views, carts, checkouts, purchases, purchases_any_order "
        f"from marts.agg_funnel_daily where shop_id = '{name}' and dimension = 'all' order by all"
    )
    assert rows == EXPECTED[name]


def test_new_is_who_was_not_seen_for_thirty_days(spring: Histories) -> None:
    rows = spring.whole.rows(
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


def test_what_names_no_item_and_what_names_no_category(spring: Histories) -> None:
    rows = spring.whole.rows(
        "select dimension_value, units, views, carts, purchases, purchases_any_order from marts.agg_funnel_daily "
        "where shop_id = 'purchase_without_items_and_a_cart_a_week_before' and unit = 'visitor' "
        "and dimension = 'category' and funnel_date = date '2026-03-17'"
    )
    # carted a week before the view: the purchase is of tea, but in no order
    assert rows == [("tea", 1, 1, 0, 0, 1)]
    rows = spring.whole.rows(
        "select dimension_value, units, views, carts from marts.agg_funnel_daily "
        "where shop_id = 'late_event_names_the_category' and unit = 'session' and dimension = 'category'"
    )
    assert rows == [("tea", 2, 2, 1)]


def test_paths_and_searches_of_a_session_over_midnight(spring: Histories) -> None:
    shop = "shop_id = 'session_bridges_midnight'"
    assert spring.whole.rows(
        "select search_date, search_term, searches, sessions, sessions_with_view_after, sessions_with_purchase_after "
        f"from marts.agg_search_terms where {shop}"
    ) == [(_day("03-10"), "green tea", 1, 1, 1, 1)]
    assert spring.whole.rows(
        f"select path_date, from_value, to_value from marts.agg_paths where {shop} and path_kind = 'page' order by all"
    ) == [
        (_day("03-10"), "(entrance)", "/search"),
        (_day("03-10"), "/add_to_cart", "/purchase"),
        (_day("03-10"), "/purchase", "(exit)"),
        (_day("03-10"), "/search", "/view_item"),
        (_day("03-10"), "/view_item", "/add_to_cart"),
    ]
    assert spring.whole.rows(
        f"select activity_date, hour, weekday, events, sessions, purchases from marts.agg_activity_hourly where {shop} "
        "order by all"
    ) == [(_day("03-10"), 23, 2, 2, 1, 0), (_day("03-11"), 0, 3, 2, 0, 1)]


def test_a_full_refresh_passes_every_test_on_meaning(spring: Histories) -> None:
    names = [*MARTS, "int_session_funnels", "int_visitor_funnels", "int_funnel_views", "int_funnel_steps"]
    spring.whole.dbt("test", "--select", *(f"{name},test_type:data" for name in names))

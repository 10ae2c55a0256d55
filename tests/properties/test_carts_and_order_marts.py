"""Carts, daily figures of products and channels, orders and their reconciliation: tiny cases, by name, whose
increments in any order of arrival end in the bytes of a full refresh and in the figures worked out by hand."""

from __future__ import annotations

import pytest

from tests.properties.cart_and_order_cases import TABLE_CASES, TOPIC
from tests.properties.histories import Histories
from tests.properties.warehouse import assert_same_export


@pytest.mark.parametrize("name", TOPIC.shops)
def test_any_order_of_arrival_and_runs_that_die_end_in_the_same_bytes(
    name: str, spring: Histories, spring_order: str
) -> None:
    expected = spring.expected
    assert ("int_events", name) in expected or ("fct_orders", name) in expected, "the case left nothing"
    assert_same_export(spring.export(spring_order), expected, name)


def _carts(spring: Histories, shop: str) -> list[tuple[object, ...]]:
    return spring.whole.rows(
        "select strftime(cart_date, '%m-%d'), strftime(last_active_date, '%m-%d'), cart_status, units, "
        f"value_minor, value_bought_minor from marts.fct_carts where shop_id = '{shop}' "
        "order by started_at, last_active_date, cart_status"
    )


@pytest.mark.parametrize(
    ("shop", "carts"),
    [
        (
            "late_addition_after_the_purchase",
            [("03-10", "03-10", "bought", 2, 2200, 1000), ("03-10", "03-10", "abandoned", 1, 1000, 0)],
        ),
        (
            "late_purchase_closes_a_cart_from_27_days_before",
            [("03-12", "04-08", "bought", 2, 1500, 1000), ("04-09", "04-09", "abandoned", 1, 1000, 0)],
        ),
        ("late_removal_joins_two_carts", [("03-10", "04-10", "abandoned", 2, 2000, 0)]),
        (
            "thirty_days_later_is_another_cart",
            [("03-10", "03-10", "abandoned", 1, 1000, 0), ("04-10", "04-10", "bought", 1, 1000, 1000)],
        ),
        ("removed_to_nothing_then_added_late", [("03-10", "03-10", "emptied", 0, 0, 0)]),
        ("two_additions_in_one_microsecond", [("03-10", "03-10", "abandoned", 1, 1100, 0)]),
        ("purchase_without_a_cart", []),
        (
            "a_purchase_of_the_shops_server",
            [
                ("03-10", "03-10", "abandoned", 1, 1000, 0),
                ("03-10", "03-10", "bought", 1, 1000, 1000),
                ("03-10", "03-10", "bought", 1, 1000, 1000),
                ("03-10", "03-12", "bought", 1, 1000, 1000),
                ("03-10", "03-12", "bought", 1, 1000, 1000),
            ],
        ),
    ],
)
def test_what_the_carts_come_to(shop: str, carts: list[tuple[object, ...]], spring: Histories) -> None:
    assert _carts(spring, shop) == carts


def test_a_program_found_out_takes_its_cart_out_of_the_figures(spring: Histories) -> None:
    shop = "a_program_found_out_late"
    assert _carts(spring, shop) == [("03-10", "03-10", "abandoned", 1, 1000, 0)]
    assert spring.whole.rows(f"select * from marts.agg_products_daily where shop_id = '{shop}'") == []


def test_a_refund_months_later_changes_the_day_of_the_order(spring: Histories) -> None:
    figures = spring.whole.rows(
        "select dimension, dimension_value, strftime(order_date, '%m-%d'), gross_minor, discount_minor, "
        "refund_minor, net_revenue_minor from marts.agg_orders_daily where shop_id = 'refund_months_later' "
        "and dimension in ('all', 'hour', 'product') and order_date < '2026-04-01' order by 1"
    )
    assert figures == [
        ("all", "all", "03-10", 2300, 300, 1000, 1000),
        ("hour", "10", "03-10", 2300, 300, 1000, 1000),
        ("product", "i1", "03-10", 2000, 300, 1000, 700),
    ]
    returned = spring.whole.rows(
        "select strftime(event_date, '%m-%d'), return_units, return_minor from marts.agg_categories_daily "
        "where shop_id = 'refund_months_later' and item_category = 'Toys' and returns > 0"
    )
    assert returned == [("06-20", 1, 1000)]


def test_cancelled_orders_and_returned_lines_by_product(spring: Histories) -> None:
    figures = spring.whole.rows(
        "select dimension, dimension_value, orders, units, revenue_minor, refund_minor from marts.agg_orders_daily "
        "where shop_id = 'lines_given_back_months_later' and dimension in ('all', 'product') order by 1, 2"
    )
    assert figures == [
        ("all", "all", 2, 6, 6000, 4000),
        ("product", "i1", 2, 2, 2000, 1000),
        ("product", "i2", 2, 4, 4000, 3000),
    ]


def test_who_is_new_is_seen_with_all_that_is_known_now(spring: Histories) -> None:
    numbers = spring.whole.rows(
        "select order_id, order_number, days_since_previous_order from marts.fct_customer_orders "
        "where shop_id = 'first_order_cancelled_months_later' order by 1"
    )
    assert numbers == [("o1", None, None), ("o2", 1, None)]
    buyers = spring.whole.rows(
        "select strftime(order_date, '%m-%d'), buyer_type, net_revenue_minor from marts.agg_buyers_daily "
        "where shop_id in ('first_order_cancelled_months_later', 'refund_months_later') order by shop_id, 1"
    )
    assert buyers == [
        ("03-10", "cancelled", 0),
        ("03-12", "new", 1000),
        ("03-10", "new", 1000),
        ("04-10", "returning", 1000),
    ]


def test_an_order_stands_in_the_channel_of_the_session_it_was_bought_in(spring: Histories) -> None:
    figures = spring.whole.rows(
        "select strftime(event_date, '%m-%d'), channel_group, sessions, sessions_with_purchase, orders, revenue_minor "
        "from marts.agg_channels_daily where shop_id = 'an_earlier_page_names_the_channel' order by 1"
    )
    # the session began before midnight, the order was placed after it
    assert figures == [("03-10", "Email", 1, 1, 0, 0), ("03-11", "Email", 0, 0, 1, 1000)]


def test_a_category_named_elsewhere_on_the_day(spring: Histories) -> None:
    figures = spring.whole.rows(
        "select item_category, cart_adds, orders, carts, bought_carts from marts.agg_categories_daily "
        "where shop_id = 'another_page_names_the_category_late'"
    )
    assert figures == [("Toys", 1, 1, 1, 1)]


def test_a_category_as_the_catalogue_had_it_on_the_day(spring: Histories) -> None:
    figures = spring.whole.rows(
        "select strftime(event_date, '%m-%d'), item_category, cart_adds from marts.agg_categories_daily "
        "where shop_id = 'only_the_catalogue_knows_categories' order by 1"
    )
    assert figures == [("03-09", "(not set)", 1), ("03-12", "Toys", 1), ("04-09", "Toys", 1), ("04-10", "Games", 1)]


def test_reconciliation_by_the_day_of_the_order(spring: Histories) -> None:
    columns = "table_orders, tracked_orders, matched_orders, untracked_orders, only_tracked_orders, gap_value_minor"
    rows = spring.whole.rows(
        f"select shop_id, strftime(order_date, '%m-%d'), {columns} from marts.audit_order_reconciliation "
        f"where shop_id in {tuple(TABLE_CASES)} and shop_id <> 'lines_given_back_months_later' order by 1, 2"
    )
    assert rows == [
        ("order_moved_to_another_day", "03-10", 1, 0, 0, 1, 0, 3000),
        ("order_moved_to_another_day", "03-11", 1, 1, 1, 0, 0, 100),
        ("untracked_and_test_orders", "03-10", 2, 2, 1, 1, 1, 1900),
    ]

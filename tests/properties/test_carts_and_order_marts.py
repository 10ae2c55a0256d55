"""Carts, daily figures of products and channels, orders and their reconciliation: tiny cases, by name, whose
increments in any order of arrival end in the bytes of a full refresh and in the figures worked out by hand."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from ingestion.mapping import parse_mapping
from ingestion.shops import Shop
from orchestration.dbt_in_process import prepare_manifest, run_dbt
from tests.properties.cart_and_order_cases import (
    CASES,
    DAYS,
    EVENT_CASES,
    ITEM,
    TABLE_CASES,
    TABLES,
    Event,
    Row,
    add,
    buy,
    event,
)
from tests.properties.warehouse import Export, Warehouse, assert_same_export

#: What carts and orders are made of and lead to; the rest of the marts has tests of its own.
SELECTED = ["+int_cart_lines", "+fct_carts", "+agg_products_daily", "+agg_categories_daily", "+agg_brands_daily"]
SELECTED += ["+agg_regions_daily", "+agg_channels_daily", "+agg_orders_daily", "+agg_buyers_daily"]
SELECTED += ["+audit_order_reconciliation"]


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


def _land(warehouse: Warehouse, day: str, cases: Sequence[str] = CASES) -> date:
    arrival = date.fromisoformat(f"2026-{day}")
    for name in cases:
        if name in EVENT_CASES:
            shop = Shop(name, "Asia/Shanghai", "CNY")
            deliveries: list[tuple[str, list[Row] | list[Event]]] = [("events", EVENT_CASES[name].get(day, []))]
        else:
            shop, deliveries = Shop(name, "Asia/Shanghai", "CNY", "tables"), TABLE_CASES[name].get(day, [])
        for kind, rows in deliveries:
            if kind == "events" and rows:
                warehouse.land_events(shop, arrival, rows)  # type: ignore[arg-type]
            elif rows:
                _land_table(warehouse, shop, arrival, kind, rows)  # type: ignore[arg-type]
    return arrival


def _build(warehouse: Warehouse, day: date | None = None, select: Sequence[str] = ()) -> None:
    """Run the models of this topic, and the seeds first, for one arrival day or for all of history."""
    prepare_manifest()
    window = [] if day is None else ["--event-time-start", f"{day}", "--event-time-end", f"{day + timedelta(days=1)}"]
    kinds = ["--exclude-resource-type", "test", "unit_test"]
    if (warehouse.home / "warehouse.duckdb").exists():
        kinds.append("seed")
    command = ["build", *window, *kinds, "--select", *(select or SELECTED)]
    outcome = run_dbt(command, {"FOOTFALL_HOME": str(warehouse.home)}, warehouse.home / "target")
    assert not outcome.failed, [f"{node.unique_id}: {node.message}" for node in outcome.failed]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("whole"))
    for day in DAYS:
        _land(warehouse, day)
    _build(warehouse)
    return warehouse


@pytest.fixture(scope="module")
def expected(whole: Warehouse) -> Export:
    return whole.export()


@pytest.fixture(scope="module")
def stepwise(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Export]:
    """For each order of arrival: a day lands, its run follows, then the next day lands.

    Day by day, each run dies when carts and orders are written and what is summed up from them is not; the
    next run of the day finds them as it would make them.
    """
    exports = {}
    for order, days in {"backwards": DAYS[::-1], "day by day": DAYS}.items():
        warehouse = Warehouse(tmp_path_factory.mktemp("stepwise"))
        for day in days:
            arrival = _land(warehouse, day)
            if order == "day by day" and day in DAYS[-2:]:
                _build(warehouse, arrival, ["+fct_orders", "+fct_carts", "+int_order_tracking"])
            _build(warehouse, arrival)
        exports[order] = warehouse.export()
    return exports


@pytest.mark.parametrize("name", CASES)
def test_any_order_of_arrival_and_runs_that_die_end_in_the_same_bytes(
    name: str, expected: Export, stepwise: dict[str, Export]
) -> None:
    assert ("int_events", name) in expected or ("fct_orders", name) in expected, "the case left nothing"
    for export in stepwise.values():
        assert_same_export(export, expected, name)


def test_a_corrected_file_takes_the_only_addition_away(tmp_path: Path) -> None:
    shop, day = Shop("shop", "Asia/Shanghai", "CNY"), date(2026, 3, 10)
    view = event("v", "03-10 09:00", "view_item", **ITEM)
    warehouse, clean = Warehouse(tmp_path / "corrected"), Warehouse(tmp_path / "clean")
    wrong = warehouse.land_events(shop, day, [view, add("a", "03-10 10:00"), buy("p", "03-10 10:05", "o1")])
    _build(warehouse, day)
    assert warehouse.rows("select is_bought from marts.fct_carts") == [(True,)]
    corrected = [view, buy("p", "03-10 10:05", "o1")]
    warehouse.land_events(shop, day, corrected, name="corrected", supersede=wrong.name)
    _build(warehouse, day)
    assert warehouse.rows("select count(*) from marts.fct_carts") == [(0,)]
    clean.land_events(shop, day, corrected, name="corrected")
    _build(clean)
    assert_same_export(warehouse.export(), clean.export())


def _carts(whole: Warehouse, shop: str) -> list[tuple[object, ...]]:
    return whole.rows(
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
def test_what_the_carts_come_to(shop: str, carts: list[tuple[object, ...]], whole: Warehouse) -> None:
    assert _carts(whole, shop) == carts


def test_a_program_found_out_takes_its_cart_out_of_the_figures(whole: Warehouse) -> None:
    shop = "a_program_found_out_late"
    assert _carts(whole, shop) == [("03-10", "03-10", "abandoned", 1, 1000, 0)]
    assert whole.rows(f"select * from marts.agg_products_daily where shop_id = '{shop}'") == []


def test_a_refund_months_later_changes_the_day_of_the_order(whole: Warehouse) -> None:
    figures = whole.rows(
        "select dimension, dimension_value, strftime(order_date, '%m-%d'), gross_minor, discount_minor, "
        "refund_minor, net_revenue_minor from marts.agg_orders_daily where shop_id = 'refund_months_later' "
        "and dimension in ('all', 'hour', 'product') and order_date < '2026-04-01' order by 1"
    )
    assert figures == [
        ("all", "all", "03-10", 2300, 300, 1000, 1000),
        ("hour", "10", "03-10", 2300, 300, 1000, 1000),
        ("product", "i1", "03-10", 2000, 300, 1000, 700),
    ]
    returned = whole.rows(
        "select strftime(event_date, '%m-%d'), return_units, return_minor from marts.agg_categories_daily "
        "where shop_id = 'refund_months_later' and item_category = 'Toys' and returns > 0"
    )
    assert returned == [("06-20", 1, 1000)]


def test_cancelled_orders_and_returned_lines_by_product(whole: Warehouse) -> None:
    figures = whole.rows(
        "select dimension, dimension_value, orders, units, revenue_minor, refund_minor from marts.agg_orders_daily "
        "where shop_id = 'lines_given_back_months_later' and dimension in ('all', 'product') order by 1, 2"
    )
    assert figures == [
        ("all", "all", 2, 6, 6000, 4000),
        ("product", "i1", 2, 2, 2000, 1000),
        ("product", "i2", 2, 4, 4000, 3000),
    ]


def test_who_is_new_is_seen_with_all_that_is_known_now(whole: Warehouse) -> None:
    numbers = whole.rows(
        "select order_id, order_number, days_since_previous_order from marts.fct_customer_orders "
        "where shop_id = 'first_order_cancelled_months_later' order by 1"
    )
    assert numbers == [("o1", None, None), ("o2", 1, None)]
    buyers = whole.rows(
        "select strftime(order_date, '%m-%d'), buyer_type, net_revenue_minor from marts.agg_buyers_daily "
        "where shop_id in ('first_order_cancelled_months_later', 'refund_months_later') order by shop_id, 1"
    )
    assert buyers == [
        ("03-10", "cancelled", 0),
        ("03-12", "new", 1000),
        ("03-10", "new", 1000),
        ("04-10", "returning", 1000),
    ]


def test_an_order_stands_in_the_channel_of_the_session_it_was_bought_in(whole: Warehouse) -> None:
    figures = whole.rows(
        "select strftime(event_date, '%m-%d'), channel_group, sessions, sessions_with_purchase, orders, revenue_minor "
        "from marts.agg_channels_daily where shop_id = 'an_earlier_page_names_the_channel' order by 1"
    )
    # the session began before midnight, the order was placed after it
    assert figures == [("03-10", "Email", 1, 1, 0, 0), ("03-11", "Email", 0, 0, 1, 1000)]


def test_a_category_named_elsewhere_on_the_day(whole: Warehouse) -> None:
    figures = whole.rows(
        "select item_category, cart_adds, orders, carts, bought_carts from marts.agg_categories_daily "
        "where shop_id = 'another_page_names_the_category_late'"
    )
    assert figures == [("Toys", 1, 1, 1, 1)]


def test_a_category_as_the_catalogue_had_it_on_the_day(whole: Warehouse) -> None:
    figures = whole.rows(
        "select strftime(event_date, '%m-%d'), item_category, cart_adds from marts.agg_categories_daily "
        "where shop_id = 'only_the_catalogue_knows_categories' order by 1"
    )
    assert figures == [("03-09", "(not set)", 1), ("03-12", "Toys", 1), ("04-09", "Toys", 1), ("04-10", "Games", 1)]


def test_reconciliation_by_the_day_of_the_order(whole: Warehouse) -> None:
    columns = "table_orders, tracked_orders, matched_orders, untracked_orders, only_tracked_orders, gap_value_minor"
    rows = whole.rows(
        f"select shop_id, strftime(order_date, '%m-%d'), {columns} from marts.audit_order_reconciliation "
        "where shop_id <> 'lines_given_back_months_later' order by 1, 2"
    )
    assert rows == [
        ("order_moved_to_another_day", "03-10", 1, 0, 0, 1, 0, 3000),
        ("order_moved_to_another_day", "03-11", 1, 1, 1, 0, 0, 100),
        ("untracked_and_test_orders", "03-10", 2, 2, 1, 1, 1, 1900),
    ]

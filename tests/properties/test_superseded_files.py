"""A file that supersedes another one: what the other one said is nowhere any more, whatever the topic."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ingestion.shops import Shop
from tests.properties import attribution_cases, cart_and_order_cases, late_arrival_cases
from tests.properties.warehouse import Warehouse, assert_same_export

DAY = date(2026, 3, 12)
Event = dict[str, object]


def _orders_and_customers() -> tuple[list[Event], list[Event]]:
    event, purchase = late_arrival_cases.event, late_arrival_cases.PURCHASE
    return (
        [event("a", "12 10:00", customer_id="c1"), event("p", "12 10:05", customer_id="c1", **purchase)],
        [event("a", "12 10:00"), event("q", "12 10:05", **{**purchase, "order_id": "o2"})],
    )


def _the_only_addition_to_a_cart() -> tuple[list[Event], list[Event]]:
    event, add, buy = cart_and_order_cases.event, cart_and_order_cases.add, cart_and_order_cases.buy
    view = event("v", "03-12 09:00", "view_item", **cart_and_order_cases.ITEM)
    bought = buy("p", "03-12 10:05", "o1")
    return [view, add("a", "03-12 10:00"), bought], [view, bought]


def _the_touch_and_the_order() -> tuple[list[Event], list[Event]]:
    ad, buys = attribution_cases.ad, attribution_cases.buys
    return (
        [ad("03-11 09:00", "d1", "google"), buys("03-12 09:00", "d1")],
        [ad("03-11 09:00", "d1", "bing"), buys("03-12 09:00", "d1", 70, "o2")],
    )


#: shop -> the events of the wrong file, those of the corrected one
CORRECTIONS = {
    "orders": _orders_and_customers(),
    "carts": _the_only_addition_to_a_cart(),
    "touches": _the_touch_and_the_order(),
}
#: query -> its answers before and after the correction
SEEN: dict[str, tuple[list[tuple[object, ...]], list[tuple[object, ...]]]] = {
    "select order_id from marts.fct_orders where shop_id = 'orders'": ([("o1",)], [("o2",)]),
    "select is_bought from marts.fct_carts where shop_id = 'carts'": ([(True,)], []),
    "select distinct order_id from marts.fct_attribution where shop_id = 'touches'": ([("o1",)], [("o2",)]),
}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A home that never saw the wrong files."""
    warehouse = Warehouse(tmp_path_factory.mktemp("clean"))
    for shop, (_, right) in CORRECTIONS.items():
        warehouse.land_events(Shop(shop, "Asia/Shanghai", "CNY"), DAY, right, name="corrected")
    warehouse.build()
    return warehouse


def test_a_superseded_file_leaves_nothing_behind(clean: Warehouse, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    wrong_files = {}
    for shop, (wrong, _) in CORRECTIONS.items():
        wrong_files[shop] = warehouse.land_events(Shop(shop, "Asia/Shanghai", "CNY"), DAY, wrong).name
    warehouse.build(DAY)
    assert {query: warehouse.rows(query) for query in SEEN} == {query: before for query, (before, _) in SEEN.items()}
    for shop, (_, right) in CORRECTIONS.items():
        corrected = Shop(shop, "Asia/Shanghai", "CNY")
        warehouse.land_events(corrected, DAY, right, name="corrected", supersede=wrong_files[shop])
    warehouse.build(DAY)
    assert {query: warehouse.rows(query) for query in SEEN} == {query: after for query, (_, after) in SEEN.items()}
    assert_same_export(warehouse.export(), clean.export())

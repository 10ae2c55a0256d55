"""Shops whose order table is the truth: versions in any order of arrival end in the bytes of one load."""

from __future__ import annotations

import pytest

from tests.properties.histories import Histories
from tests.properties.order_table_cases import CASES
from tests.properties.warehouse import assert_same_export

#: The shops of these cases.
HERE = f"shop_id in {tuple(CASES)}"


@pytest.mark.parametrize("case", CASES)
def test_any_order_of_arrival_ends_in_the_same_bytes(case: str, march: Histories, march_order: str) -> None:
    assert march.expected["fct_orders", case], "the case left no order"
    assert_same_export(march.export(march_order), march.expected, case)


def test_what_the_orders_come_to(march: Histories) -> None:
    rows = march.whole.rows(
        f"select shop_id, order_id, status, refund_minor, units from marts.fct_orders where {HERE} order by 1, 2"
    )
    assert rows == [
        ("cancelled_then_touched_again", "o1", "cancelled", 3000, None),
        ("line_changed", "o1", "completed", 0, 3),
        ("refund_before_its_order", "o1", "partially_refunded", 1000, None),
        ("refund_moved_to_another_order", "o1", "completed", 0, None),
        ("refund_moved_to_another_order", "o2", "refunded", 3000, None),
        ("status_runs_through", "o1", "refunded", 3000, None),
    ]
    taken = march.whole.rows(
        "select shop_id, movement_date from intermediate.int_order_movements "
        f"where movement_type <> 'purchase' and {HERE} order by 1"
    )
    assert [(shop, str(day)) for shop, day in taken] == [
        ("cancelled_then_touched_again", "2026-03-11"),
        ("refund_before_its_order", "2026-03-12"),
        ("refund_moved_to_another_order", "2026-03-12"),
        ("status_runs_through", "2026-03-12"),
    ]


def test_a_product_that_only_an_order_line_names_is_a_product(march: Histories) -> None:
    products = march.whole.rows(
        "select item_id, attribute_source from marts.dim_products where shop_id = 'line_changed'"
    )
    assert products == [("only-sold-here", "events")]

"""UCI Online Retail through the shipped mapping: published totals from published marts."""

from __future__ import annotations

import pytest

from ingestion.ledger import read_ledger
from publishing import PublishedReader
from tests.properties.warehouse import Warehouse

pytestmark = pytest.mark.real

#: Lines with a customer that are not cancelled, as the literature counts them.
SOLD_TO_CUSTOMERS = """
    select count(*), count(distinct customer_id), sum(line_amount_minor)::bigint
    from fct_order_items
    where line_type = 'purchase' and customer_id is not null
"""


@pytest.fixture(scope="module")
def published(online_retail: Warehouse) -> PublishedReader:
    return online_retail.publish("fct_orders", "fct_order_items", "agg_kpis_daily", "dim_customers", "customer_rfm")


def test_every_line_is_read_and_kept(online_retail: Warehouse) -> None:
    (entry,) = read_ledger(online_retail.lake)
    assert (entry.rows_read, entry.rows_accepted, entry.rows_quarantined, entry.rows_duplicate) == (
        541_909,
        541_909,
        0,
        0,
    )


def test_published_totals(published: PublishedReader) -> None:
    assert published.connect().execute(SOLD_TO_CUSTOMERS).fetchone() == (397_924, 4_339, 891_140_790)


def test_every_invoice_is_an_order(published: PublishedReader) -> None:
    connection = published.connect()
    assert connection.execute("select count(*) from fct_orders").fetchone() == (25_900,)
    assert connection.execute("select count(*) from fct_order_items").fetchone() == (541_909,)


def test_money_without_customer_is_kept_and_joins_nobody(published: PublishedReader) -> None:
    connection = published.connect()
    total, orphan_lines, orphans = connection.execute(
        "select sum(line_amount_minor)::bigint, count(*) filter (customer_id is null), "
        "sum(line_amount_minor) filter (customer_id is null)::bigint from fct_order_items"
    ).fetchone()
    # 9,747,747.93 in pounds; four prices of a tenth of a penny round to nothing
    assert abs(total - 974_774_793) <= 1
    assert orphan_lines == 135_080
    net = connection.execute("select sum(net_revenue_minor)::bigint from fct_orders").fetchone()[0]
    kpis = connection.execute(
        "select sum(revenue_minor)::bigint - sum(refund_minor)::bigint, sum(net_revenue_minor)::bigint "
        "from agg_kpis_daily"
    ).fetchone()
    assert net == kpis[0] == kpis[1] == total
    assert connection.execute("select count(*) from dim_customers where customer_id is null").fetchone() == (0,)
    customers = connection.execute("select sum(net_revenue_minor)::bigint from dim_customers").fetchone()[0]
    assert customers == total - orphans


def test_value_groups_are_of_a_useful_size(published: PublishedReader) -> None:
    connection = published.connect()
    sizes = connection.execute("select value_group_zh, count(*) from customer_rfm group by 1 order by 2").fetchall()
    scored = sum(size for _, size in sizes)
    assert len(sizes) == 8
    assert sizes[0][1] >= 0.01 * scored
    segments = connection.execute("select count(distinct segment), count(*) from customer_rfm").fetchone()
    assert segments[1] == scored
    assert segments[0] >= 9

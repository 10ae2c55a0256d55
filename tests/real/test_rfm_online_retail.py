"""UCI Online Retail: RFM groups foretell the next quarter's money, and customers moving between them add up."""

from __future__ import annotations

import pytest

from tests.properties.warehouse import Warehouse

pytestmark = pytest.mark.real


def test_keep_close_customers_bring_most_of_the_next_quarter(online_retail: Warehouse) -> None:
    """Groups as of 90 days before the end; what every customer then brought, net of refunds, in those 90 days."""
    ((size, scored, money, total),) = online_retail.rows(
        """
        with
            cut as (select max(as_of) - 90 as as_of from marts.customer_rfm),
            groups as (
                select * from marts.customer_rfm_as_of((select max(as_of) - 90 from marts.customer_rfm))
            ),
            later as (
                select orders.customer_id, sum(movements.amount_minor) as money
                from intermediate.int_order_movements as movements
                join marts.fct_orders as orders using (shop_id, order_id), cut
                where movements.movement_date > cut.as_of and orders.customer_id is not null
                group by all
            )
        select
            count(*) filter (value_group_zh = '重要价值客户'),
            count(*),
            sum(money) filter (value_group_zh = '重要价值客户'),
            sum(money)
        from groups left join later using (customer_id)
        """
    )
    assert scored > 3_000
    assert 0.24 <= size / scored <= 0.32
    assert money / total >= 0.60


def test_every_month_end_is_there_and_the_newest_is_customer_rfm(online_retail: Warehouse) -> None:
    months = [
        str(day) for (day,) in online_retail.rows("select distinct as_of from marts.customer_rfm_history order by 1")
    ]
    # the data end on 9 December 2011
    assert months == [
        *("2010-12-31", "2011-01-31", "2011-02-28", "2011-03-31", "2011-04-30", "2011-05-31", "2011-06-30"),
        *("2011-07-31", "2011-08-31", "2011-09-30", "2011-10-31", "2011-11-30", "2011-12-09"),
    ]
    rfm = "shop_id, as_of, customer_id, recency_days, frequency, monetary_minor, r_score, f_score, m_score, segment"
    newest = online_retail.rows(f"select {rfm} from marts.customer_rfm_history where as_of = '2011-12-09' order by all")
    assert newest == online_retail.rows(f"select {rfm} from marts.customer_rfm order by all")
    # the other way to ask for it, order by order from the money's movements, agrees to the last customer
    as_of = online_retail.rows(f"select {rfm} from marts.customer_rfm_as_of(date '2011-12-09') order by all")
    assert as_of == newest


def test_migrations_sum_to_the_customers_of_both_months(online_retail: Warehouse) -> None:
    sizes = dict(online_retail.rows("select as_of, count(*) from marts.customer_rfm_history group by 1"))
    steps = online_retail.rows(
        "select from_month, to_month, sum(customers) filter (from_group <> '(none)'), "
        "sum(customers) filter (to_group <> '(none)') from marts.rfm_migrations group by all order by 1"
    )
    assert len(steps) == len(sizes) - 1
    for from_month, to_month, leaving, arriving in steps:
        assert (leaving, arriving) == (sizes[from_month], sizes[to_month])
    # a customer's money grows by what moved in between: all steps together are the whole year's but the first month's
    ((grown,),) = online_retail.rows("select sum(net_revenue_minor) from marts.rfm_migrations")
    ((first,), (last,)) = online_retail.rows(
        "select sum(monetary_minor) from marts.customer_rfm_history "
        "where as_of in ('2010-12-31', '2011-12-09') group by as_of order by as_of"
    )
    assert grown == last - first

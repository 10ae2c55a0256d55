"""What campaigns cost: reported again with other amounts, in any order, some of it in another currency."""

from __future__ import annotations

from decimal import Decimal

from tests.properties.campaign_cost_cases import SHOP
from tests.properties.histories import Histories
from tests.properties.warehouse import assert_same_export


def test_any_order_of_reports_ends_in_the_same_bytes(spring: Histories, spring_order: str) -> None:
    assert_same_export(spring.export(spring_order), spring.expected, SHOP.shop_id)


def test_costs_are_those_reported_last(spring: Histories) -> None:
    found = spring.whole.rows(
        "select traffic_source, utm_campaign, cost_minor, clicks, costs_in_other_currency, costs_of_unknown_amount, "
        "sessions, orders_last, net_revenue_last_minor, roas_last, cost_per_order_last_minor, cost_per_click_minor "
        f"from marts.agg_campaigns_daily where shop_id = '{SHOP.shop_id}' order by 1"
    )
    no, one = Decimal(0), Decimal(1)
    assert found == [
        ("bing", "spring", None, 4, 1, 0, 1, one, 4000, None, None, None),
        ("douyin", "spring", None, 7, 0, 1, 0, no, 0, None, None, None),
        ("google", "spring", 2500, 10, 0, 0, 2, one, 10000, one * 4, one * 2500, one * 250),
        ("weibo", "unseen", 500, None, 0, 0, 0, no, 0, no, None, None),
    ]

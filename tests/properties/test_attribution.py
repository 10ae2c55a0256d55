"""What precedes an order changes after it: credits of increments in any order equal those of one load."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.properties.attribution_cases import CREDITED, TOPIC, day_of, land
from tests.properties.histories import Histories
from tests.properties.warehouse import Warehouse, assert_same_export

MODELS = ("+int_attribution_identities", "+agg_campaigns_daily")


@pytest.mark.parametrize("case", TOPIC.shops)
def test_increments_end_in_the_bytes_of_one_load(case: str, spring: Histories, spring_order: str) -> None:
    assert spring.expected["fct_attribution", case], "the case has no order"
    assert_same_export(spring.export(spring_order), spring.expected, case)


@pytest.mark.parametrize("case", [name for name, credits in CREDITED.items() if credits])
def test_what_the_orders_touches_are(case: str, spring: Histories) -> None:
    found = spring.whole.rows(
        "select traffic_source, credit::double, credit_minor from marts.fct_attribution "
        f"where shop_id = '{case}' and attribution_model = 'linear' order by touch_number"
    )
    assert found == CREDITED[case]


def test_a_unit_that_cannot_be_halved_goes_to_one_touch_always_the_same(spring: Histories) -> None:
    found = spring.whole.rows(
        "select attribution_model, sum(credit_minor)::bigint, count(*), count(case when credit_minor = 1 then 1 end) "
        "from marts.fct_attribution where shop_id = 'begins_in_the_same_second_on_two_devices' group by 1 order by 1"
    )
    single = [(model, 1, 1, 1) for model in ("first", "last", "last_non_direct")]
    assert found == [*single, ("linear", 1, 3, 1), ("time_decay", 1, 3, 1)]


def test_every_order_is_credited_whole_by_every_model(spring: Histories) -> None:
    orders = spring.whole.rows(
        "select count(*), sum(net_revenue_minor)::bigint from marts.fct_orders where has_purchase"
    )
    for model in ("first", "last", "last_non_direct", "linear", "time_decay"):
        credits = spring.whole.rows(
            "select sum(credit)::double, sum(credit_minor)::bigint from marts.fct_attribution "
            f"where attribution_model = '{model}'"
        )
        assert credits == orders, model


def test_the_next_run_mends_what_a_killed_one_left_whatever_its_days(tmp_path: Path) -> None:
    """The run of 14 March dies before its whole step; the next run is about another day alone."""
    warehouse = Warehouse(tmp_path)
    for day in ("02-10", "03-12"):
        land(warehouse, day_of(day))
    warehouse.build(select=MODELS)
    land(warehouse, day_of("03-14"))
    warehouse.build(day_of("03-14"), select=("+fct_orders", "+int_customer_days", "+int_campaign_sessions"))
    warehouse.build(day_of("02-10"), select=MODELS)
    mended = warehouse.export()
    attribution = ("int_attribution_touched+", "agg_attribution_daily", "agg_campaigns_daily")
    warehouse.build(full_refresh=True, select=attribution)
    assert_same_export(warehouse.export(), mended)

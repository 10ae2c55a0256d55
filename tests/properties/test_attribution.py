"""What precedes an order changes after it: credits of increments in any order equal those of one load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.properties.attribution_cases import CASES, CREDITED, DAYS, ad, buys, day_of, land, shop_of
from tests.properties.warehouse import Export, Warehouse, assert_same_export

MODELS = ("+int_attribution_identities", "+agg_campaigns_daily")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Everything landed, then one full refresh."""
    warehouse = Warehouse(tmp_path_factory.mktemp("whole"))
    for day in DAYS:
        land(warehouse, day)
    warehouse.build(select=MODELS)
    return warehouse


@pytest.fixture(scope="module")
def expected(whole: Warehouse) -> Export:
    """What every order of arrival must end in."""
    return whole.export()


Step = Callable[[Warehouse, str], None]


def _straight(warehouse: Warehouse, day: str) -> None:
    warehouse.build(day_of(day), select=MODELS)


#: day -> the last models that its first run reached before it was killed
KILLED_AFTER = {
    "02-10": ("+int_attribution_touches",),
    "03-12": ("+fct_orders", "+dim_identities"),
    "03-14": ("+fct_attribution",),
    "05-20": ("+int_attribution_touched", "+int_campaign_sessions"),
}


def _killed_once(warehouse: Warehouse, day: str) -> None:
    warehouse.build(day_of(day), select=KILLED_AFTER[day])
    warehouse.build(day_of(day), select=MODELS)


@pytest.fixture(scope="module", params=["day by day", "shuffled, each run killed once"])
def increments(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """A day lands, its run follows, then the next day lands."""
    steps: dict[str, tuple[Sequence[str], Step]] = {
        "day by day": (DAYS, _straight),
        "shuffled, each run killed once": (["05-20", "03-12", "02-10", "03-14"], _killed_once),
    }
    days, step = steps[request.param]
    warehouse = Warehouse(tmp_path_factory.mktemp("increments"))
    for day in days:
        land(warehouse, day)
        step(warehouse, day)
    return warehouse.export()


@pytest.mark.parametrize("case", [*CASES, "order_table"])
def test_increments_end_in_the_bytes_of_one_load(case: str, expected: Export, increments: Export) -> None:
    assert expected["fct_attribution", case], "the case has no order"
    assert_same_export(increments, expected, case)


@pytest.mark.parametrize("case", [name for name, credits in CREDITED.items() if credits])
def test_what_the_orders_touches_are(case: str, whole: Warehouse) -> None:
    found = whole.rows(
        "select traffic_source, credit::double, credit_minor from marts.fct_attribution "
        f"where shop_id = '{case}' and attribution_model = 'linear' order by touch_number"
    )
    assert found == CREDITED[case]


def test_a_unit_that_cannot_be_halved_goes_to_one_touch_always_the_same(whole: Warehouse) -> None:
    found = whole.rows(
        "select attribution_model, sum(credit_minor)::bigint, count(*), count(case when credit_minor = 1 then 1 end) "
        "from marts.fct_attribution where shop_id = 'begins_in_the_same_second_on_two_devices' group by 1 order by 1"
    )
    single = [(model, 1, 1, 1) for model in ("first", "last", "last_non_direct")]
    assert found == [*single, ("linear", 1, 3, 1), ("time_decay", 1, 3, 1)]


def test_every_order_is_credited_whole_by_every_model(whole: Warehouse) -> None:
    orders = whole.rows("select count(*), sum(net_revenue_minor)::bigint from marts.fct_orders where has_purchase")
    for model in ("first", "last", "last_non_direct", "linear", "time_decay"):
        credits = whole.rows(
            "select sum(credit)::double, sum(credit_minor)::bigint from marts.fct_attribution "
            f"where attribution_model = '{model}'"
        )
        assert credits == orders, model


def test_the_next_run_mends_what_a_killed_one_left_whatever_its_days(tmp_path: Path) -> None:
    """The run of 14 March dies before its whole step; the next run is about another day alone."""
    warehouse = Warehouse(tmp_path)
    for day in ("02-10", "03-12"):
        land(warehouse, day)
    warehouse.build(select=MODELS)
    land(warehouse, "03-14")
    warehouse.build(day_of("03-14"), select=("+fct_orders", "+int_customer_days", "+int_campaign_sessions"))
    warehouse.build(day_of("02-10"), select=MODELS)
    mended = warehouse.export()
    attribution = ("int_attribution_touched+", "agg_attribution_daily", "agg_campaigns_daily")
    warehouse.build(full_refresh=True, select=attribution)
    assert_same_export(warehouse.export(), mended)


def test_a_superseded_purchase_leaves_no_credit(tmp_path: Path) -> None:
    wrong = [ad("03-11 09:00", "d1", "google"), buys("03-12 09:00", "d1")]
    right = [ad("03-11 09:00", "d1", "bing"), buys("03-12 09:00", "d1", 70, "o2")]
    corrected, clean = Warehouse(tmp_path / "corrected"), Warehouse(tmp_path / "clean")
    file = corrected.land_events(shop_of("shop"), day_of("03-12"), wrong)
    corrected.build(day_of("03-12"), select=MODELS)
    assert corrected.rows("select distinct order_id from marts.fct_attribution") == [("o1",)]
    corrected.land_events(shop_of("shop"), day_of("03-12"), right, name="right", supersede=file.name)
    corrected.build(day_of("03-12"), select=MODELS)
    clean.land_events(shop_of("shop"), day_of("03-12"), right, name="right")
    clean.build(select=MODELS)
    assert_same_export(corrected.export(), clean.export())
    assert corrected.rows("select distinct order_id from marts.fct_attribution") == [("o2",)]

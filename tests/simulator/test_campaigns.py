"""Campaign costs with corrections, coupons and who loves them, payment methods and payments."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from ingestion.simulator.traffic import CAMPAIGN_SOURCES
from tests.simulator.written_shop import Written, write

KEY = ["day", "source", "medium", "campaign"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write(tmp_path_factory.mktemp("campaigns"), visitors=4000, days=50, seed=41, cost_correction_share=0.3)


def test_every_day_source_and_campaign_has_a_cost(shop: Written) -> None:
    costs = shop.table("campaign_costs")
    expected = {
        (shop.shop.clock.date_of(day).isoformat(), campaign.name)
        for campaign in shop.shop.campaigns
        for day in range(campaign.first_day, campaign.last_day + 1)
        if day < shop.config.days - 1  # the last day's cost is reported after the history ends
    }
    assert set(zip(costs["day"], costs["campaign"], strict=True)) == expected
    per_day = costs.drop_duplicates(KEY).groupby(["day", "campaign"]).size()
    assert (per_day == len(CAMPAIGN_SOURCES)).all()
    assert (costs["day"] < costs["updated"].str[:10]).mean() > 0.2, "reported in UTC, the morning after in the shop"


def test_some_costs_are_corrected_and_the_truth_has_the_last_version(shop: Written) -> None:
    costs = shop.table("campaign_costs")
    versions = costs.groupby(KEY).size()
    assert set(versions) == {1, 2}
    assert 0.15 < (versions == 2).mean() < 0.45
    last = costs.sort_values("updated", kind="stable").groupby(KEY).last()
    truth = shop.truth("campaign_costs").set_index(["cost_date", "utm_source", "utm_medium", "utm_campaign"])
    assert set(truth.index) == set(last.index)
    for key, row in truth.iterrows():
        assert Decimal(str(last["spend"][key])) * 100 == row["cost"]
        assert (int(str(last["clicks"][key])), int(str(last["shows"][key]))) == (row["clicks"], row["impressions"])
        assert row["corrected"] == (versions[key] == 2)
        assert row["impressions"] >= row["clicks"]
    first = costs.drop_duplicates(KEY).set_index(KEY)["spend"]
    assert (first[versions[versions == 2].index] != last["spend"][versions[versions == 2].index]).mean() > 0.9


def test_clicks_follow_the_visits_that_arrived(shop: Written) -> None:
    visits = shop.shop.visits
    tagged = int((visits["campaign"] >= 0).sum())
    clicks = int(shop.truth("campaign_costs")["clicks"].sum())
    assert tagged > 200
    assert tagged < clicks < 1.5 * tagged


def _with_people(shop: Written) -> pd.DataFrame:
    people = shop.truth("people").set_index("person")
    orders = shop.truth("orders")
    return orders.assign(
        lover=people["discount_lover"].reindex(orders["person"]).to_numpy(),
        preferred=people["payment_method"].reindex(orders["person"]).to_numpy(),
    )


def test_discount_lovers_buy_mostly_on_discount(shop: Written) -> None:
    orders = _with_people(shop)
    on_discount = (orders["discount"] > 0).groupby(orders["lover"]).mean()
    assert orders["lover"].sum() > 30
    assert on_discount[True] > 0.7
    assert on_discount[False] < 0.2
    people = shop.truth("people")
    assert abs(people["discount_lover"].mean() - shop.config.discount_lover_share) < 0.02
    by_segment = people.groupby("segment")["discount_lover"].mean()
    assert by_segment["bargain_hunter"] > 3 * by_segment["premium"]


def test_coupons_stand_on_purchases_and_in_the_order_table(shop: Written) -> None:
    truth = shop.truth("orders").set_index("order_id")
    table = shop.table("orders").groupby("no").first()
    assert (table["coupon"] == truth["coupon"][table.index]).all()
    assert (table["discount"].map(Decimal) * 100 == truth["discount"][table.index]).all()
    assert (table["pay"] == truth["payment_method"][table.index]).all()
    codes = set(truth["coupon"])
    assert codes & {campaign.coupon for campaign in shop.shop.campaigns}
    assert codes & {"WELCOME5", "APP8", "FANS12"}
    for _, event in shop.events():
        if event.get("type") == "order" and "order" in event:
            order = truth.loc[event["order"]["id"]]
            assert event["order"].get("coupon", "") == order["coupon"]
            assert event["payment"] == order["payment_method"]
            off = sum(Decimal(str(item.get("discount", 0))) for item in event["items"])
            assert off * 100 == int(order["discount"])


@pytest.mark.parametrize("fidelity", [0.8, 1.0])
def test_people_pay_with_what_they_prefer(shop: Written, tmp_path: Path, fidelity: float) -> None:
    if fidelity == 1.0:
        shop = write(tmp_path, visitors=2000, days=30, payment_fidelity=1)
    orders = _with_people(shop)
    loyal = (orders["preferred"] == orders["payment_method"]).mean()
    assert loyal == 1 if fidelity == 1.0 else abs(loyal - fidelity) < 0.07
    assert len(set(orders["preferred"])) == 4


def test_payments_settle_the_orders(shop: Written) -> None:
    payments = shop.table("payments")
    assert payments["id"].is_unique
    good = payments[payments["outcome"] == "success"].set_index("no")
    assert good.index.is_unique
    paid = shop.table("orders")
    paid = paid[paid["state"] == "paid"].set_index("no")
    assert set(good.index) == set(paid.index)
    assert (good["amount"] == paid["total"][good.index]).all() and (good["pay"] == paid["pay"][good.index]).all()
    assert (good["updated"] == paid["updated"][good.index]).all()
    failed = payments[payments["outcome"] == "failed"]
    assert 0.02 < len(failed) / len(good) < 0.12
    later = failed.merge(good.reset_index(), on="no", suffixes=("", "_good"))
    assert (later["at"] < later["at_good"]).all()

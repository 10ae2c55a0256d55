"""Products come and go on their days and have variants; nothing is looked at or sold outside its days."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from ingestion.simulator import SimulatorConfig, simulate
from ingestion.simulator.assortment import MOST_VARIANTS
from ingestion.simulator.catalogue import CATEGORIES, Catalogue, build_catalogue
from ingestion.simulator.clock import ShopClock
from ingestion.simulator.item_truth import product_truth
from ingestion.simulator.simulate import plant
from tests.simulator.accepted import accepted_events
from tests.simulator.written_shop import Written

NOTHING_CHANGES = {"variant_share": 0.0, "new_share": 0.0, "withdrawn_share": 0.0}


def _catalogue(**parameters: object) -> tuple[Catalogue, pd.DataFrame]:
    config = SimulatorConfig.model_validate(parameters)
    clock = ShopClock(config.timezone, config.start, config.days)
    catalogue = build_catalogue(config, clock)
    return catalogue, product_truth(config, clock, catalogue)


def test_nothing_happens_to_a_product_outside_its_days(small: Written) -> None:
    truth = small.truth("products").set_index("item_id")
    first, last = truth["first_day"].to_dict(), truth["last_day"].fillna("9999-12-31").to_dict()
    zone = ZoneInfo(small.config.timezone)
    changed = truth.index[truth["last_day"].notna() | (truth["first_day"] > small.config.start.isoformat())]
    seen = 0
    for event in accepted_events(small):
        # A refund may come when the product is gone.
        for item in event.get("items", []) if event["type"] != "order_refund" else []:
            day = event["when"].astimezone(zone).date().isoformat()
            assert first[item["sku"]] is not None, event
            assert first[item["sku"]] <= day <= last[item["sku"]], event
            seen += item["sku"] in changed
    assert seen > 1000
    placed = pd.to_datetime(small.table("orders").groupby("no")["placed"].first(), utc=True).dt.tz_convert(zone)
    lines = small.table("order_items")
    days = placed.loc[lines["no"]].dt.strftime("%Y-%m-%d")
    assert all(first[sku] <= day <= last[sku] for sku, day in zip(lines["sku"], days, strict=True))
    assert lines["sku"].isin(changed).sum() > 10


def test_the_product_table_follows(small: Written) -> None:
    table, truth = small.table("products"), small.truth("products").set_index("item_id")
    zone = ZoneInfo(small.config.timezone)
    table["day"] = pd.to_datetime(table["updated"], utc=True).dt.tz_convert(zone).dt.strftime("%Y-%m-%d")
    start = small.config.start
    end = start + timedelta(days=small.config.days - 1)
    days = dict(zip(truth.index, zip(truth["first_day"], truth["last_day"], strict=True), strict=True))
    gone = 0
    for sku, versions in table.groupby("sku"):
        first, last = days[str(sku)]
        assert versions["day"].iloc[0] == (first if isinstance(first, str) else start.isoformat())
        states = versions["on_sale"].tolist()
        if not isinstance(first, str):
            assert set(states) == {"no"}
        elif isinstance(last, str) and date.fromisoformat(last) < end:
            gone += 1
            assert states == ["yes"] * (len(states) - 1) + ["no"]
            assert versions["day"].iloc[-1] == (date.fromisoformat(last) + timedelta(days=1)).isoformat()
            assert versions["list_price"].iloc[-1] == versions["list_price"].iloc[-2]
        else:
            assert set(states) == {"yes"}
    assert gone > 10 and set(table["sku"]) == set(truth.index)


def test_products_come_and_go_all_through_the_history() -> None:
    _, truth = _catalogue(products=4000, days=100)
    sold = truth[truth["first_day"].notna()]
    new = sold[sold["first_day"] > "2025-03-01"]
    assert 0.1 < len(new) / len(truth) < 0.13 and 0.045 < sold["last_day"].notna().mean() < 0.075
    for days in (pd.to_datetime(new["first_day"]), pd.to_datetime(sold["last_day"].dropna())):
        passed = (days - pd.Timestamp("2025-03-01")).dt.days
        assert passed.min() < 10 and passed.max() > 88 and 40 < passed.median() < 60
    assert (sold["last_day"].isna() | (sold["first_day"] < sold["last_day"])).all()
    assert sold["category"].nunique() == len(CATEGORIES)


def test_what_is_on_sale_keeps_its_odds() -> None:
    catalogue, _ = _catalogue(products=320, days=60, new_share=0.4, withdrawn_share=0.3)
    day, count = 30, 40_000
    rng = np.random.default_rng(5)
    one = np.ones(count, dtype=np.int64)
    drawn = np.bincount(catalogue.draw(rng, 2 * one, 3 * one, day * one), minlength=320)
    product = np.arange(320)
    on_sale = catalogue.shelf.offered(product, np.full(320, day)) & (product % len(CATEGORIES) == 3)
    assert 5 < on_sale.sum() < 18
    weight = np.where(on_sale, catalogue._weights[2], 0.0)
    expected = count * weight / weight.sum()
    assert (np.abs(drawn - expected) <= 5 * np.sqrt(expected) + 1e-9).all()


def test_variants_share_a_name_and_differ_in_size_or_colour() -> None:
    catalogue, truth = _catalogue()
    products, versions = catalogue.products, catalogue.versions.drop_duplicates("product")
    several = truth[truth["variants"] > 1]
    assert 0.3 < len(several) / len(truth) < 0.55
    price = versions["price"].to_numpy(dtype=float)
    for family, some in several.groupby("family"):
        rows = some.index
        assert family in set(some["item_id"]) and 2 <= len(some) <= MOST_VARIANTS
        assert some["item_name"].nunique() == some["category"].nunique() == products.loc[rows, "brand"].nunique() == 1
        assert some["item_variant"].is_unique
        assert price[rows].max() < 1.45 * price[rows].min()
    assert several["variants"].max() == MOST_VARIANTS
    assert (truth["family"] == truth["item_id"])[truth["variants"] == 1].all()
    # A name tells the family, but for chance.
    assert truth.groupby("item_name")["family"].nunique().gt(1).mean() < 0.02


def test_all_of_it_can_be_turned_off() -> None:
    catalogue, truth = _catalogue(**NOTHING_CHANGES)
    assert (truth["variants"] == 1).all() and truth["last_day"].isna().all()
    assert set(truth["first_day"].dropna()) == {"2025-03-01"}
    states = catalogue.versions.groupby("product")["on_sale"].nunique()
    assert (states == 1).all()


@pytest.mark.parametrize("days", [1, 2, 3])
def test_short_histories(days: int, tmp_path: Path) -> None:
    config = SimulatorConfig(visitors=60, days=days, products=40, new_share=0.5, withdrawn_share=0.5)
    simulate(config, tmp_path)
    shop = plant(config)
    shelf = shop.catalogue.shelf
    assert ((shelf.first > 0).sum() > 5) == ((shelf.last == 1).sum() > 5) == (days > 2)
    looks = shop.events[shop.events["product"] >= 0]
    assert len(looks) > 20 and (looks["version"] >= 0).all()


def test_popular_new_products_are_found_by_buyers(small: Written) -> None:
    truth = small.truth("products")
    new = set(truth.loc[truth["first_day"] > small.config.start.isoformat(), "item_id"])
    looked = small.shop.walked["product"].to_numpy()
    sku = small.shop.catalogue.products["sku"].to_numpy()
    share = np.isin(sku[looked[looked >= 0]], list(new)).mean()
    assert 0.01 < share < 0.12

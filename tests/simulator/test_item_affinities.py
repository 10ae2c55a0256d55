"""What belongs together is found again in looks and orders, and changes nothing but which product a look is at."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ingestion.simulator import SimulatorConfig
from ingestion.simulator.item_truth import affinity_truth
from ingestion.simulator.looks import AFTER, OF_CATEGORY, TOGETHER
from ingestion.simulator.paths import PRODUCT_KIND
from ingestion.simulator.simulate import PlantedShop, plant
from tests.simulator.accepted import accepted_events
from tests.simulator.written_shop import Written

CONFIG = SimulatorConfig(visitors=4000, days=75)
OFF = CONFIG.model_copy(update={"viewed_after": 0.0, "bought_together": 0.0})


@pytest.fixture(scope="module")
def shop() -> PlantedShop:
    return plant(CONFIG)


@pytest.fixture(scope="module")
def without() -> PlantedShop:
    return plant(OFF)


def _truth(shop: PlantedShop) -> pd.DataFrame:
    return affinity_truth(shop.catalogue, shop.affinities, shop.walked, shop.carts)


def _baskets(shop: PlantedShop) -> list[list[str]]:
    """Item ids of every order of the shop's table, each once."""
    orders = shop.orders.orders
    lines = shop.orders.lines[~orders["is_test"].to_numpy()[shop.orders.lines["order"]]]
    sku = shop.catalogue.products["sku"].to_numpy()[lines["product"]]
    return [sorted(set(some)) for _, some in pd.Series(sku).groupby(lines["order"].to_numpy())]


def _leverage(baskets: list[list[str]]) -> dict[tuple[str, str], float]:
    """Orders that hold both items, less what independence lets expect, by pair."""
    alone = Counter(item for basket in baskets for item in basket)
    both = Counter(pair for basket in baskets for pair in combinations(basket, 2))
    return {pair: n - alone[pair[0]] * alone[pair[1]] / len(baskets) for pair, n in both.items()}


def _pairs(truth: pd.DataFrame) -> set[tuple[str, str]]:
    some = truth[truth["kind"] == "bought_together"]
    return {(one, other) for one, other in zip(some["item_id"], some["other_item_id"], strict=True) if one < other}


@pytest.mark.parametrize("seed", [7, 11, 13])
def test_pairs_can_be_told_from_orders_by_plain_counts(seed: int) -> None:
    shop = plant(CONFIG.model_copy(update={"seed": seed}))
    leverage = _leverage(_baskets(shop))
    best = sorted(leverage, key=lambda pair: (-leverage[pair], pair))[:100]
    planted = _pairs(_truth(shop))
    assert sum(pair in planted for pair in best) >= 90
    assert 110 <= len(planted) <= 160


def test_pairs_mean_nothing_where_they_are_not_planted(shop: PlantedShop, without: PlantedShop) -> None:
    planted = _pairs(_truth(shop))
    with_them, bare = (_leverage(_baskets(some)) for some in (shop, without))
    assert sum(with_them.get(pair, 0.0) for pair in planted) > 250
    assert sum(bare.get(pair, 0.0) for pair in planted) < 25
    assert len(_truth(without)) == 0


def test_pairs_are_symmetric_and_mostly_across_categories(shop: PlantedShop) -> None:
    truth = _truth(shop)
    together = truth[truth["kind"] == "bought_together"]
    strength = {
        (one, other): s for one, other, s in together[["item_id", "other_item_id", "strength"]].itertuples(index=False)
    }
    assert all(strength[other, one] == chance for (one, other), chance in strength.items())
    category = shop.catalogue.products.set_index("sku")["category"]
    across = category.loc[together["item_id"]].to_numpy() != category.loc[together["other_item_id"]].to_numpy()
    assert across.mean() > 0.9
    family = shop.catalogue.products.set_index("sku")["family"]
    assert (family.loc[truth["item_id"]].to_numpy() != family.loc[truth["other_item_id"]].to_numpy()).all()
    both = Counter(
        pair
        for _, cart in shop.carts.groupby("visit")["product"]
        for pair in combinations(sorted(shop.catalogue.products["sku"].to_numpy()[cart]), 2)
    )
    found = together.set_index(["item_id", "other_item_id"])["visits"]
    assert all(found[pair] == found[pair[::-1]] == both[pair] for pair in _pairs(truth))


def test_successors_follow_with_their_chance(shop: PlantedShop) -> None:
    looks = shop.walked[shop.walked["kind"] == PRODUCT_KIND].reset_index(drop=True)
    product, reason, visit = (looks[name].to_numpy() for name in ("product", "reason", "visit"))
    free = np.flatnonzero((visit[1:] == visit[:-1]) & np.isin(reason[1:], (AFTER, OF_CATEGORY)))
    successor = shop.affinities.successor[product[free]]
    day = shop.visits["day"].to_numpy()[visit[free]]
    free, successor = (
        some[(successor >= 0) & shop.catalogue.shelf.offered(successor, day)] for some in (free, successor)
    )
    chance = shop.affinities.follows[product[free]]
    goes = reason[free + 1] == AFTER
    assert (product[free + 1] == successor)[goes].all()
    assert len(free) > 3000
    for part in np.array_split(np.argsort(chance, kind="stable"), 5):
        error = 5 * np.sqrt((chance[part] * (1 - chance[part])).sum())
        assert abs(goes[part].sum() - chance[part].sum()) <= error
    truth = _truth(shop)
    assert truth.loc[truth["kind"] == "viewed_after", "visits"].sum() == goes.sum() > 1000


def test_successors_follow_in_the_logs(small: Written) -> None:
    truth = small.truth("item_affinities")
    after = truth[truth["kind"] == "viewed_after"]
    planted = dict(zip(after["item_id"], after["other_item_id"], strict=True))
    # The same items with one another's successors: what comes about by chance.
    mixed = dict(zip(after["item_id"], np.roll(after["other_item_id"], 1), strict=True))
    looks: dict[str, list[dict[str, Any]]] = {}
    for event in sorted(accepted_events(small), key=lambda one: one["when"]):
        if event["type"] == "product" and "visitor" in event:
            looks.setdefault(event["visitor"], []).append(event)
    people = set(small.truth("visitors").query("not is_bot")["device_id"])
    counted = Counter[str]()
    for device, events in looks.items():
        for one, other in pairwise(events):
            item, then = one["items"][0]["sku"], other["items"][0]["sku"]
            if device not in people or item not in planted or not _soon(one["when"], other["when"]):
                continue
            counted.update(all=1, planted=then == planted[item], mixed=then == mixed[item])
    assert counted["all"] > 300
    assert 0.12 * counted["all"] < counted["planted"] < 0.3 * counted["all"]
    assert counted["mixed"] < 0.03 * counted["all"]


def _soon(one: datetime, other: datetime) -> bool:
    return other - one < timedelta(minutes=30)


def test_pairs_meet_in_the_shop_tables(small: Written) -> None:
    planted = _pairs(small.truth("item_affinities"))
    lines = small.table("order_items")
    leverage = _leverage([sorted(set(some)) for _, some in lines.groupby("no")["sku"]])
    met = sum(leverage.get(pair, 0.0) for pair in planted)
    assert met > 20 and met > 0.2 * sum(score for score in leverage.values())


def test_affinities_change_nothing_else(shop: PlantedShop, without: PlantedShop) -> None:
    for name in ("visit", "step", "kind", "category", "term"):
        assert shop.walked[name].equals(without.walked[name])
    assert shop.visits.equals(without.visits)
    assert shop.orders.orders[["visit", "ts"]].equals(without.orders.orders[["visit", "ts"]])
    units = [some.carts.groupby("visit")["quantity"].sum() for some in (shop, without)]
    assert units[0].equals(units[1])
    assert not without.walked["reason"].isin([TOGETHER, AFTER]).any()
    assert {TOGETHER, AFTER} < set(shop.walked["reason"])
    # Lines an order: what was twice the same product is two of them more often, and no more than that.
    lines = [len(some.orders.lines) / len(some.orders.orders) for some in (shop, without)]
    assert lines[1] < lines[0] < 1.08 * lines[1]

"""What people come for swings with the seasons of the categories, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest

from ingestion.simulator import SimulatorConfig
from ingestion.simulator import events as ev
from ingestion.simulator.catalogue import CATEGORIES
from ingestion.simulator.seasons import season_truth, season_weights
from ingestion.simulator.simulate import PlantedShop, plant

YEAR = SimulatorConfig(visitors=4000, days=365)


@pytest.fixture(scope="module")
def shop() -> PlantedShop:
    return plant(YEAR)


def test_visits_come_for_what_is_in_season(shop: PlantedShop) -> None:
    truth = season_truth(YEAR, shop.clock, shop.visits)
    truth["month"] = truth["interest_date"].str[:7]
    truth["expected"] = truth["weight"] / truth.groupby("interest_date")["weight"].transform("sum")
    truth["expected"] *= truth.groupby("interest_date")["visits"].transform("sum")
    assert truth["visits"].sum() == (shop.visits["person"] >= 0).sum() > 30_000
    # Against each category's own level: some are more people's favourites than others.
    level = truth.groupby("category")["visits"].sum() / truth.groupby("category")["expected"].sum()
    months = truth.groupby(["category", "month"])[["visits", "expected"]].sum()
    expected = months["expected"] * level.loc[months.index.get_level_values("category")].to_numpy()
    off = (months["visits"] - expected) / np.sqrt(expected)
    # People come back to their favourites, so counts scatter more than those of independent visits.
    assert off.abs().max() < 6 and 0.7 < off.std() < 1.8
    assert level.between(0.75, 1.3).all()


def test_looks_follow_the_season(shop: PlantedShop) -> None:
    looks = shop.events[
        (shop.events["kind"] == ev.PRODUCT) & (shop.events["visit"] < (shop.visits["person"] >= 0).sum())
    ]
    day = shop.clock.day(looks["ts"].to_numpy())
    category = shop.catalogue.products["category"].to_numpy()[looks["product"].to_numpy()]
    counts = np.zeros((YEAR.days, len(CATEGORIES)))
    np.add.at(counts, (np.clip(day, 0, YEAR.days - 1), category), 1)
    share = counts / counts.sum(axis=1, keepdims=True)
    weights = season_weights(YEAR)
    high, low = weights > 1.2, weights < 0.8
    swing = np.array(
        [share[high[:, one], one].mean() / share[low[:, one], one].mean() for one in range(len(CATEGORIES))]
    )
    assert (swing > 1.1).all() and 1.3 < swing.mean() < 2.0


def test_the_season_does_not_change_how_much_happens(shop: PlantedShop) -> None:
    still = plant(YEAR.model_copy(update={"season_amplitude": 0.0}))
    assert (season_weights(YEAR.model_copy(update={"season_amplitude": 0.0})) == 1).all()
    for name in ("person", "start", "intent"):
        assert shop.visits[name].equals(still.visits[name])
    assert shop.orders.orders["visit"].equals(still.orders.orders["visit"])
    assert not shop.visits["category"].equals(still.visits["category"])

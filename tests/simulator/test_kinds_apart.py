"""Kinds of people pulled apart: the shop stays the shop it was, and all planted chances follow."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ingestion.simulator import SimulatorConfig
from ingestion.simulator.hazard_truth import hazard_truth
from ingestion.simulator.intent import KEENNESS, keenness_spread
from ingestion.simulator.people import rate_shape
from ingestion.simulator.purchase_chance import PurchaseChances
from ingestion.simulator.segments import SEGMENTS, column, kinds
from ingestion.simulator.simulate import PlantedShop, plant

CONFIG = SimulatorConfig(visitors=12_000, days=95, seed=31, kinds_apart=3.0)


@pytest.fixture(scope="module")
def shop() -> PlantedShop:
    return plant(CONFIG)


def test_usually_nothing_is_moved() -> None:
    assert SimulatorConfig().kinds_apart == 1
    assert kinds(1.0) is SEGMENTS
    assert (rate_shape(1.0), keenness_spread(1.0)) == (1.6, KEENNESS)


@pytest.mark.parametrize("apart", [1.5, 3.0, 4.0])
def test_the_mean_visitor_and_the_mean_visit_stay(apart: float) -> None:
    share, rate, conversion = (column(name) for name in ("share", "visits_per_week", "conversion"))
    rates, conversions = column("visits_per_week", apart), column("conversion", apart)
    assert share @ rates == pytest.approx(share @ rate)
    assert (share * rates) @ conversions == pytest.approx((share * rate) @ conversion)
    for name in ("visits_per_week", "conversion"):
        spread, usual = np.log(column(name, apart)), np.log(column(name))
        assert np.ptp(spread) == pytest.approx(apart * np.ptp(usual))
        assert (np.argsort(spread) == np.argsort(usual)).all()
    assert column("price_taste", apart) == pytest.approx(apart * column("price_taste"))
    for name in ("share", "weekly_churn", "weekly_fading", "steps", "registered"):
        assert (column(name, apart) == column(name)).all()


def test_people_of_a_kind_are_more_alike_and_kinds_less(shop: PlantedShop) -> None:
    usual = plant(CONFIG.model_copy(update={"kinds_apart": 1.0}))
    within, between = [], []
    for one in (shop, usual):
        people = one.population.people
        logs = np.log(people["rate"]).groupby(people["segment"])
        within.append(float(np.sqrt(logs.var().mean())))
        between.append(float(logs.mean().std()))
        assert people["segment"].equals(usual.population.people["segment"])
    assert within[0] < 0.5 * within[1]
    assert between[0] > 2 * between[1]
    assert len(shop.visits) == pytest.approx(len(usual.visits), rel=0.35)


def test_planted_chances_of_an_order_come_true(shop: PlantedShop) -> None:
    human = shop.visits[shop.visits["person"] >= 0]
    segment, intent, interest = (human[name].to_numpy() for name in ("segment", "intent", "interest"))
    chance = PurchaseChances(CONFIG, shop.terms).of_visit(segment, intent, interest)
    bought = human.index.isin(shop.orders.orders.loc[~shop.orders.orders["is_test"], "visit"])
    assert bought.sum() > 2000
    for number in range(len(SEGMENTS)):
        rows = segment == number
        error = 5 * np.sqrt((chance[rows] * (1 - chance[rows])).sum()) + 1
        assert abs(bought[rows].sum() - chance[rows].sum()) <= error, SEGMENTS[number].name
    for part in np.array_split(np.argsort(chance, kind="stable"), 12):
        error = 5 * np.sqrt((chance[part] * (1 - chance[part])).sum()) + 1
        assert abs(bought[part].sum() - chance[part].sum()) <= error


def test_planted_chances_of_staying_away_come_true(shop: PlantedShop) -> None:
    """Those of the hidden state and those from what was seen, by the same measure as for the usual shop."""
    chances = PurchaseChances(CONFIG, shop.terms)
    hazard = hazard_truth(
        CONFIG, shop.clock, shop.population, shop.campaigns, chances, shop.visits, shop.carts, shop.orders
    )
    orders = shop.orders.orders[~shop.orders.orders["is_test"]]
    day = shop.clock.day(orders["ts"].to_numpy())
    buyer = shop.visits["person"].to_numpy()[orders["visit"].to_numpy()]
    for as_of in (35, 65):
        rows: pd.DataFrame = hazard[hazard["as_of"] == shop.clock.date_of(as_of).isoformat()]
        assert len(rows) > 3000
        away = ~np.isin(rows["person"], buyer[(day >= as_of) & (day < as_of + 30)])
        for name, slack in (("no_purchase_30d", 0.0), ("seen_no_purchase_30d", 0.005)):
            chance = rows[name].to_numpy()
            for part in np.array_split(np.argsort(chance, kind="stable"), 8):
                error = 5 * np.sqrt((chance[part] * (1 - chance[part])).sum()) / len(part) + 1 / len(part)
                assert abs(away[part].mean() - chance[part].mean()) <= error + slack, (as_of, name)

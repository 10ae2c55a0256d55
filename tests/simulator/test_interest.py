"""Who stays away: interest lasts as planted, leaving shows beforehand, and the truth's chances come true."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ingestion.simulator import SimulatorConfig
from ingestion.simulator.hazard_seen import seen_hazard
from ingestion.simulator.hazard_truth import HORIZONS, _traffic, hazard_truth
from ingestion.simulator.interest import ENGAGED, GONE, LEVELS, transitions
from ingestion.simulator.purchase_chance import PurchaseChances
from ingestion.simulator.segments import SEGMENTS
from ingestion.simulator.simulate import PlantedShop, plant
from tests.simulator.ranking import auc
from tests.simulator.written_shop import Written

CONFIG = SimulatorConfig(visitors=20_000, days=95, seed=29)


@pytest.fixture(scope="module")
def shop() -> PlantedShop:
    return plant(CONFIG)


@pytest.fixture(scope="module")
def hazard(shop: PlantedShop) -> pd.DataFrame:
    chances = PurchaseChances(CONFIG, shop.terms)
    return hazard_truth(
        CONFIG, shop.clock, shop.population, shop.campaigns, chances, shop.visits, shop.carts, shop.orders
    )


def _stayed_away(shop: PlantedShop, people: NDArray[np.int64], as_of: int, days: int) -> NDArray[np.bool_]:
    """Whether each of ``people`` placed no order in ``days`` days from day ``as_of``."""
    orders = shop.orders.orders[~shop.orders.orders["is_test"]]
    day = shop.clock.day(orders["ts"].to_numpy())
    buyer = shop.visits["person"].to_numpy()[orders["visit"].to_numpy()]
    return ~np.isin(people, buyer[(day >= as_of) & (day < as_of + days)])


def _cases(shop: PlantedShop, hazard: pd.DataFrame) -> list[tuple[int, int, pd.DataFrame]]:
    """Days and horizons whose outcome lies in the history, with the truth's rows."""
    days = range(CONFIG.days, 0, -30)
    return [
        (as_of, horizon, hazard[hazard["as_of"] == shop.clock.date_of(as_of).isoformat()])
        for as_of in days
        for horizon in HORIZONS
        if as_of + horizon <= CONFIG.days
    ]


def test_interest_moves_with_its_planted_chances(shop: PlantedShop) -> None:
    chance = transitions()
    assert np.allclose(chance.sum(axis=2), 1) and (chance >= 0).all()
    assert (chance[:, GONE, GONE] == 1).all()
    leaving = chance[:, :GONE, GONE]
    assert (np.diff(leaving, axis=1) > 0).all(), "the less interest, the likelier to leave"
    states, segment = shop.population.interest.states, shop.population.people["segment"].to_numpy()
    for number in range(len(SEGMENTS)):
        before, after = states[segment == number, :-1].ravel(), states[segment == number, 1:].ravel()
        for state in range(GONE):
            moved = np.bincount(after[before == state], minlength=len(LEVELS))
            error = 5 * np.sqrt(chance[number, state] * (1 - chance[number, state]) / moved.sum()) + 1e-12
            assert (np.abs(moved / moved.sum() - chance[number, state]) <= error).all()


def test_most_leaving_is_announced_and_some_is_not(shop: PlantedShop) -> None:
    states = shop.population.interest.states
    leaves = (states[:, 1:] == GONE) & (states[:, :-1] != GONE)
    person, week = np.nonzero(leaves)
    fading = states[person, week] != ENGAGED
    assert len(person) > 3000
    assert 0.5 < fading.mean() < 0.8
    # Some whose interest faded come back: thinning visits are a sign, not a verdict.
    back = (states[:, 1:] == ENGAGED) & (states[:, :-1] != ENGAGED)
    assert back.sum() > 500


def test_fading_shows_in_rarer_visits_and_carts_left_behind(shop: PlantedShop) -> None:
    visits = shop.visits[shop.visits["person"] >= 0]
    states, rate = shop.population.interest.states, shop.population.people["rate"].to_numpy()
    since = shop.population.interest.since
    lived = np.minimum(since[:, None] + 7 * np.arange(1, states.shape[1] + 1), CONFIG.days) - np.maximum(
        since[:, None] + 7 * np.arange(states.shape[1]), 0
    )
    expected = rate[:, None] * np.maximum(lived, 0) / 7
    later = visits[(visits["nth"] > 0) | shop.population.people["existing"].to_numpy()[visits["person"]]]
    came = [later["interest"].eq(level).sum() / expected[states == state].sum() for state, level in enumerate(LEVELS)]
    assert came[GONE] == 0
    assert np.allclose(np.array(came) / came[ENGAGED], LEVELS, atol=0.04)
    has_cart = np.isin(visits.index, shop.carts["visit"])
    bought = np.isin(visits.index, shop.orders.orders["visit"])
    left = [1 - bought[has_cart & visits["interest"].eq(level)].mean() for level in LEVELS[:GONE]]
    assert (np.diff(left) > 0.02).all(), left


def test_planted_chances_of_staying_away_come_true(shop: PlantedShop, hazard: pd.DataFrame) -> None:
    cases = _cases(shop, hazard)
    assert len(cases) >= 5
    for as_of, horizon, rows in cases:
        away = _stayed_away(shop, rows["person"].to_numpy(), as_of, horizon)
        for name in (f"no_purchase_{horizon}d", f"seen_no_purchase_{horizon}d"):
            chance = rows[name].to_numpy()
            assert ((chance >= 0) & (chance <= 1)).all()
            # Five standard errors; half a point more for what was seen, which takes rates at a few nodes.
            slack = 0.005 * name.startswith("seen")
            for part in np.array_split(np.argsort(chance, kind="stable"), 8):
                error = 5 * np.sqrt((chance[part] * (1 - chance[part])).sum()) / len(part) + 1 / len(part)
                assert abs(away[part].mean() - chance[part].mean()) <= error + slack, (as_of, horizon, name)


def test_there_is_more_to_find_than_recency(shop: PlantedShop, hazard: pd.DataFrame) -> None:
    visits = shop.visits[shop.visits["person"] >= 0]
    for as_of, horizon, rows in _cases(shop, hazard):
        if as_of < 30:
            continue
        rows = rows[rows["orders_before"] > 0]
        person = rows["person"].to_numpy()
        away = _stayed_away(shop, person, as_of, horizon)
        last = visits[visits["day"] < as_of].groupby("person")["day"].max()
        recency = auc(away, as_of - last.reindex(person).to_numpy())
        seen = auc(away, rows[f"seen_no_purchase_{horizon}d"].to_numpy())
        planted = auc(away, rows[f"no_purchase_{horizon}d"].to_numpy())
        assert recency + 0.03 < seen < planted - 0.01, (as_of, horizon, recency, seen, planted)
        assert planted > recency + 0.1


def test_what_was_seen_does_not_know_the_future() -> None:
    config = SimulatorConfig(visitors=1500, days=60, seed=2)
    shop = plant(config)
    visits = shop.visits.loc[shop.visits["person"] >= 0, ["person", "day"]]
    visits = visits.assign(
        has_order=visits.index.isin(shop.orders.orders["visit"]), leaves_cart=visits.index.isin(shop.carts["visit"])
    )
    chances, ladder = PurchaseChances(config, shop.terms), _traffic(config, shop.campaigns)

    def seen(some: pd.DataFrame) -> NDArray[np.float64]:
        return seen_hazard(shop.population, chances, ladder, config.activity, some, [30], (30,))

    known = seen(visits)
    assert np.array_equal(known, seen(visits[visits["day"] < 30]))
    assert not np.array_equal(known, seen(visits[visits["day"] < 29]))


def test_table_as_written(small: Written) -> None:
    hazard = small.truth("customer_hazard")
    assert not hazard.duplicated(["as_of", "person"]).any()
    clock, days = small.shop.clock, small.config.days
    assert sorted(set(hazard["as_of"])) == [clock.date_of(days).isoformat()]
    people = small.truth("people").set_index("person")
    assert (people.loc[hazard["person"], "customer_id"].to_numpy() == hazard["customer_id"]).all()
    assert (people.loc[hazard["person"], "segment"].to_numpy() == hazard["segment"]).all()
    assert (hazard["visits_before"].to_numpy() == people.loc[hazard["person"], "visits"]).all()
    assert set(hazard["person"]) == set(people.index)
    orders = small.truth("orders")
    bought = orders[~orders["is_test"]].groupby("person").size()
    assert hazard.set_index("person")["orders_before"].sum() == bought.sum()
    assert (hazard.set_index("person")["orders_before"].reindex(bought.index) == bought).all()
    gone = hazard["interest"] == 0
    assert 0 < gone.sum() < len(hazard)
    assert (hazard["left_on"].notna() == gone).all() and (hazard["left_on"].dropna() <= hazard["as_of"].max()).all()
    names = [f"no_purchase_{horizon}d" for horizon in HORIZONS]
    assert (hazard.loc[gone, names] == 1).all(axis=None)
    assert (hazard.loc[~gone, names].diff(axis=1).iloc[:, 1:] < 0).all(axis=None)

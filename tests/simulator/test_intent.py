"""Who buys in a visit: the planted chances come true, and intent shows before the visit is over."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ingestion.simulator import SimulatorConfig, paths
from ingestion.simulator import events as ev
from ingestion.simulator.purchase_chance import PurchaseChances
from ingestion.simulator.simulate import PlantedShop, plant
from ingestion.simulator.traffic import SOURCES
from tests.simulator.ranking import auc
from tests.simulator.written_shop import Written

CONFIG = SimulatorConfig(visitors=16_000, days=60, seed=8)


@pytest.fixture(scope="module")
def shop() -> PlantedShop:
    return plant(CONFIG)


@pytest.fixture(scope="module")
def visits(shop: PlantedShop) -> pd.DataFrame:
    """People's visits with the planted chance of an order, and whether there was one."""
    human = shop.visits[shop.visits["person"] >= 0]
    segment, intent, interest = (human[name].to_numpy() for name in ("segment", "intent", "interest"))
    real = shop.orders.orders.loc[~shop.orders.orders["is_test"], "visit"]
    return human.assign(
        chance=PurchaseChances(CONFIG, shop.terms).of_visit(segment, intent, interest), bought=human.index.isin(real)
    )


def test_planted_chances_of_an_order_come_true(visits: pd.DataFrame) -> None:
    chance, bought = visits["chance"].to_numpy(), visits["bought"].to_numpy()
    assert bought.sum() > 2000
    for part in np.array_split(np.argsort(chance, kind="stable"), 12):
        expected = chance[part].sum()
        assert abs(bought[part].sum() - expected) <= 5 * np.sqrt((chance[part] * (1 - chance[part])).sum()) + 1
    everything = (chance * (1 - chance)).sum()
    assert abs(bought.sum() - chance.sum()) <= 4 * np.sqrt(everything)


def test_a_cart_has_its_planted_chance(shop: PlantedShop, visits: pd.DataFrame) -> None:
    chance = PurchaseChances(CONFIG, shop.terms).of_cart(visits["segment"].to_numpy(), visits["intent"].to_numpy())
    has_cart = visits.index.isin(shop.carts["visit"])
    for part in np.array_split(np.argsort(chance, kind="stable"), 12):
        error = 5 * np.sqrt((chance[part] * (1 - chance[part])).sum()) + 1
        assert abs(has_cart[part].sum() - chance[part].sum()) <= error


def test_intent_depends_on_person_source_and_interest(shop: PlantedShop, visits: pd.DataFrame) -> None:
    assert abs(visits["intent"].mean()) < 0.3 and 0.8 < visits["intent"].std() < 1.4
    by_source = visits.groupby("source")["intent"].mean()
    email = next(number for number, one in enumerate(SOURCES) if one.utm_medium == "email")
    paid_social = next(number for number, one in enumerate(SOURCES) if one.channel == "paid_social")
    assert by_source[email] > by_source[0] > by_source[paid_social]
    keenness = shop.population.people["keenness"].to_numpy()[visits["person"].to_numpy()]
    assert visits["intent"].groupby(keenness > 0.5).mean().diff().iloc[-1] > 0.5
    engaged = visits["interest"] == 1
    assert visits.loc[engaged, "intent"].mean() > visits.loc[visits["interest"] < 0.5, "intent"].mean()


def test_second_looks_come_with_intent(shop: PlantedShop, visits: pd.DataFrame) -> None:
    looks = shop.walked[shop.walked["kind"] == paths.PRODUCT_KIND]
    first = looks.groupby("visit")["product"].transform("first")
    later = looks[looks["visit"].duplicated()].assign(again=looks["product"] == first)
    high = (visits["intent"] > 0.5).reindex(later["visit"]).to_numpy()
    assert later.loc[high, "again"].mean() > 1.5 * later.loc[~high, "again"].mean() > 0.02


def _first_five(shop: PlantedShop, visits: pd.DataFrame) -> pd.DataFrame:
    """What a shop knows of each visit at its fifth event; only visits that have so many."""
    events = shop.events[np.isin(shop.events["visit"], visits.index)].sort_values(["visit", "ts"], kind="stable")
    nth = events.groupby("visit").cumcount()
    seen = events[nth < 5]
    counts = pd.crosstab(seen["visit"], seen["kind"])
    ts = seen.groupby("visit")["ts"]
    table = counts.reindex(columns=range(len(ev.KINDS)), fill_value=0).assign(
        seconds=np.log1p((ts.max() - ts.min()) / 1e6), known=seen.groupby("visit")["customer"].max() >= 0
    )
    sources = pd.get_dummies(visits["source"]).add_prefix("source ")
    table = table.join(sources)[seen.groupby("visit").size() == 5]
    return table[table[ev.ORDER] == 0].rename(columns=str).astype(float)


def test_a_model_can_tell_at_the_fifth_event_but_not_for_sure(shop: PlantedShop, visits: pd.DataFrame) -> None:
    known = _first_five(shop, visits)
    ours = visits.loc[known.index]
    train = (ours["day"] < 40).to_numpy()
    bought: NDArray[np.bool_] = ours["bought"].to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(known[train], bought[train])
    told = auc(bought[~train], model.predict_proba(known[~train])[:, 1])
    carted = auc(bought[~train], known[str(ev.CART_ADD)][~train])
    assert bought[~train].sum() > 500
    assert 0.74 < told < 0.85
    assert told > carted + 0.1
    assert auc(bought[~train], ours["chance"][~train]) > told + 0.02


def test_table_as_written(small: Written) -> None:
    truth, sessions = small.truth("session_intent"), small.truth("sessions")
    key = ["device_id", "session_start"]
    people = sessions[~sessions["is_bot"]]
    assert truth[key].equals(people[key].reset_index(drop=True))
    assert (truth["person"].to_numpy() == people["person"]).all()
    named = small.truth("people").set_index("person")["customer_id"]
    assert (named.reindex(truth["person"]).to_numpy() == truth["customer_id"]).all()
    assert truth["purchase_probability"].between(0, 1).all() and truth["interest"].between(0.1, 1).all()
    assert 0.9 < truth["begins_visit"].mean() < 1
    orders = small.truth("orders")
    # Short of the orders whose visit sent nothing that arrived, or began inside the session of another one.
    bought = int((~orders["is_test"]).sum())
    found = int((truth["begins_visit"] & truth["has_order"]).sum())
    assert 0.9 * bought < found <= bought

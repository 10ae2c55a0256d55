"""Searches and page paths follow their planted probabilities, and the truth counts what was planted."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from ingestion.simulator import SimulatorConfig, paths
from ingestion.simulator import events as ev
from ingestion.simulator.behaviour_truth import path_truth, search_truth
from ingestion.simulator.deliveries import deliver
from ingestion.simulator.pages import HOST
from ingestion.simulator.searches import _ENGLISH
from ingestion.simulator.simulate import PlantedShop, plant
from ingestion.simulator.truth import arrived_events
from tests.simulator.accepted import accepted_events
from tests.simulator.written_shop import Written

KINDS = {"": "home", "c": "category", "p": "product", "search": "search"}


@pytest.fixture(scope="module")
def shop() -> PlantedShop:
    return plant(SimulatorConfig(visitors=4000, days=40, seed=6))


@pytest.fixture(scope="module")
def ways(shop: PlantedShop) -> list[list[str]]:
    """The addresses of each visit of a person, in order, as far as they belong to the chain."""
    pages = shop.events[shop.events["kind"] == ev.PAGE].sort_values(["visit", "ts"], kind="stable")
    pages = pages[shop.visits["person"].to_numpy()[pages["visit"].to_numpy()] >= 0]
    found: dict[int, list[str]] = {}
    for visit, page in pages[["visit", "page"]].itertuples(index=False):
        address = shop.pages.addresses[page].removeprefix(HOST + "/")
        if _kind(address):
            found.setdefault(visit, []).append(address)
    return list(found.values())


def _kind(address: str) -> str | None:
    return KINDS.get(address.replace("?", "/").split("/")[0])


def test_transitions_are_counted_as_the_addresses_say(shop: PlantedShop, ways: list[list[str]]) -> None:
    nothing = {word for word, found in zip(shop.terms.words, shop.terms.results.max(axis=1), strict=True) if found == 0}
    counted = Counter[tuple[str, str]]()
    for way in ways:
        before = "entry"
        for address in way:
            kind = str(_kind(address))
            counted[before, kind] += 1
            empty = kind == "search" and unquote(address.split("q=")[1]) in nothing
            before = "search_nothing" if empty else kind
    truth = path_truth(shop.walked)
    found = dict(zip(zip(truth["from_kind"], truth["to_kind"], strict=True), truth["transitions"], strict=True))
    assert counted == {pair: n for pair, n in found.items() if n}
    assert counted["search_nothing", "product"] == 0 < counted["search", "product"]


def test_transitions_happen_with_their_probability(shop: PlantedShop) -> None:
    truth = path_truth(shop.walked)
    total = truth.groupby("from_kind")["transitions"].transform("sum")
    assert total.min() > 100
    assert np.allclose(truth.groupby("from_kind")["probability"].sum(), 1)
    # Five standard errors, among two dozen pairs.
    error = 5 * np.sqrt(truth["probability"] * (1 - truth["probability"]) / total) + 1e-12
    assert ((truth["transitions"] / total - truth["probability"]).abs() <= error).all()
    same = truth.dropna(subset="stay_probability")
    chance = same["stay_probability"].astype(float)
    error = 5 * np.sqrt(chance * (1 - chance) / same["transitions"]) + 1e-12
    assert ((same["stays"].astype(float) / same["transitions"] - chance).abs() <= error).all()
    assert len(same) == len(paths.STAY)


def test_the_page_before_is_all_that_matters(shop: PlantedShop) -> None:
    walked = shop.walked
    kind, step = walked["kind"].to_numpy(), walked["step"].to_numpy()
    third = np.flatnonzero(step >= 2)
    from_product = third[kind[third - 1] == paths.PRODUCT_KIND]
    for earlier in (paths.CATEGORY_KIND, paths.PRODUCT_KIND):
        some = from_product[kind[from_product - 2] == earlier]
        share = (kind[some] == paths.PRODUCT_KIND).mean()
        planted = paths.NEXT[paths.PRODUCT_KIND, paths.PRODUCT_KIND]
        assert abs(share - planted) < 5 * np.sqrt(planted * (1 - planted) / len(some))


def test_search_terms_are_zipf_in_two_languages(shop: PlantedShop) -> None:
    arrived = arrived_events(
        shop.events, deliver(SimulatorConfig(visitors=4000, days=40, seed=6), shop.clock, shop.events), shop.visits
    )
    truth = search_truth(shop.terms, shop.walked, arrived)
    total = truth["planted_searches"].sum()
    assert total > 2000
    error = 5 * np.sqrt(truth["probability"] / total) + 5 / total
    assert ((truth["planted_searches"] / total - truth["probability"]).abs() < error).all()
    assert truth["probability"].is_monotonic_decreasing
    top, tail = truth["planted_searches"].head(10).sum(), truth["planted_searches"].tail(60).sum()
    assert top > 2 * tail
    by_language = truth.groupby("language")["planted_searches"].sum()
    assert 0.05 * total < by_language["en"] < by_language["zh"]
    assert truth["term"].is_unique
    nothing = truth[truth["category"].isna()]
    assert (nothing["results"] == 0).all() and (truth["results"] == 0).sum() == len(nothing)
    assert nothing["planted_searches"].sum() > 30 and nothing["planted_views"].sum() == 0
    assert 0.2 < truth["planted_views"].sum() / total < 0.6


def test_searches_lead_to_matching_products(small: Written) -> None:
    named = dict(zip(small.table("products")["sku"], small.table("products")["title"], strict=True))
    truth = small.truth("search_terms")
    chinese = set(truth.loc[(truth["language"] == "zh") & (truth["results"] > 0), "term"])
    devices: dict[str, list[dict[str, Any]]] = {}
    for event in sorted(accepted_events(small), key=lambda one: one["when"]):
        if event["type"] in ("find", "page") and "visitor" in event:
            devices.setdefault(event["visitor"], []).append(event)
    looked = matched = 0
    for events in devices.values():
        for search, page in pairwise(events):
            soon = page["when"] - search["when"] < timedelta(minutes=20)
            if search["type"] == "find" and search["q"] in chinese and page["type"] == "page" and soon:
                _, is_product, sku = page["url"].partition("/p/")
                looked += bool(is_product)
                matched += bool(is_product) and search["q"] in named[sku]
    # Nearly always: a page between the two may have arrived late or not at all.
    assert matched > 0.95 * looked > 100


def test_the_log_says_how_many_products_were_found_that_day(small: Written) -> None:
    products = small.truth("products")
    sold = products[products["first_day"].notna()]
    last = sold["last_day"].fillna("9999-12-31")
    terms = small.truth("search_terms").set_index("term")
    english = {word: shown for shown, word in _ENGLISH.items()}
    zone = ZoneInfo(small.config.timezone)
    found = [event for event in accepted_events(small) if event["type"] == "find"]
    assert {event["hits"] for event in found} >= {0}
    right = 0
    for event in found:
        # What is withdrawn is not shown any more to visits that begin on its last day.
        day = event["when"].astimezone(zone).date().isoformat()
        on_sale = sold[(sold["first_day"] <= day) & (day < last)]
        word = english.get(event["q"], event["q"])
        named = on_sale["item_name"].str.contains(f" {word} ", regex=False)
        right += event["hits"] == (
            int(named.sum()) or int((on_sale["category"] == terms["category"][event["q"]]).sum())
        )
    # Short of visits over midnight.
    assert len(found) > 500 and right > 0.98 * len(found)
    assert any(len({event["hits"] for event in found if event["q"] == term}) > 1 for term in terms.index)

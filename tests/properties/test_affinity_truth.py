"""What was planted between products of a simulated shop, found again from its logs by what is served."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd
import pytest

from ingestion.simulator import SimulatorConfig
from ml.recommend.read import newest_day
from ml.recommend.rules.baskets import open_baskets
from ml.recommend.rules.limits import RuleLimits
from ml.recommend.rules.pairs import count_pairs
from ml.recommend.rules.serving import AssociationRules
from ml.recommend.rules.shop_rules import _BASKETS
from ml.recommend.sessions.serving import SessionNextItems
from tests.properties.simulated_home import SimulatedHome, simulated_home

CONFIG = SimulatorConfig(visitors=4000, days=75, start=date(2025, 9, 1), seed=11)
#: Of so many pairs nine in ten have to be planted ones.
PAIRS, AIM = 100, 0.9
NEEDED = ["+feat_as_of_dates", "+feat_user_item_days", "+feat_session_items", "+fct_order_items", "+dim_products"]
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedHome]:
    with simulated_home(CONFIG, tmp_path_factory.mktemp("affinities"), select=NEEDED) as home:
        yield home


@pytest.fixture(scope="module")
def planted(home: SimulatedHome) -> pd.DataFrame:
    return pd.read_parquet(home.truth / "item_affinities.parquet")


def bought_together(planted: pd.DataFrame) -> set[frozenset[str]]:
    pairs = planted[planted["kind"] == "bought_together"]
    return {frozenset(pair) for pair in zip(pairs["item_id"], pairs["other_item_id"], strict=True)}


def test_the_hundred_strongest_pairs_are_planted_ones(home: SimulatedHome, planted: pd.DataFrame) -> None:
    """By leverage, which needs no minimum count: a pair that met once by luck has next to none."""
    as_of = newest_day(home.connection, home.shop_id)
    limits = RuleLimits(min_count=1, min_confidence="0.1", max_items=2)
    with open_baskets(home.connection, _BASKETS, [home.shop_id, CONFIG.start, as_of], limits=limits) as baskets:
        pairs = count_pairs(baskets).frame
    strongest = pairs.sort_values(["leverage", "item", "other_item"], ascending=[False, True, True]).head(PAIRS)
    truth = bought_together(planted)
    hits = [frozenset(pair) in truth for pair in zip(strongest["item"], strongest["other_item"], strict=True)]
    print(f"of {len(pairs)} pairs seen the {PAIRS} strongest: {sum(hits)} planted, of {len(truth)}")
    assert len(hits) == PAIRS
    assert sum(hits) >= AIM * PAIRS


def test_rules_that_are_served_are_planted_ones(home: SimulatedHome, planted: pd.DataFrame) -> None:
    capability = AssociationRules()
    data = capability.read(home.connection, home.shop_id)
    trained = capability.train(data, None, 42)
    rules = capability.score(trained.model, trained.record, data)["association_rules"]
    truth = bought_together(planted)
    hits = [
        any(frozenset((item, consequent)) in truth for item in antecedent)
        for antecedent, consequent in zip(rules["antecedent"], rules["consequent_item_id"], strict=True)
    ]
    print(f"{sum(hits)} of {len(hits)} rules hold a planted pair")
    assert len(hits) > 50
    assert sum(hits) >= AIM * len(hits)


def test_planted_successors_lead_the_next_items(home: SimulatedHome, planted: pd.DataFrame) -> None:
    capability = SessionNextItems()
    data = capability.read(home.connection, home.shop_id)
    trained = capability.train(data, None, 42)
    served = capability.score(trained.model, trained.record, data)["session_next_items"]
    after = planted[(planted["kind"] == "viewed_after") & planted["item_id"].isin(served["item_id"])]
    pairs = after.merge(
        served, how="left", left_on=["item_id", "other_item_id"], right_on=["item_id", "next_item_id"]
    ).assign(first=lambda rows: rows["rank"] == 1, listed=lambda rows: rows["rank"].notna())
    print(f"{len(pairs)} planted successors: {pairs['first'].mean():.2f} lead, {pairs['listed'].mean():.2f} listed")
    # by luck one in a few hundred would lead
    assert pairs["first"].mean() > 0.5
    assert pairs["listed"].mean() > 0.7

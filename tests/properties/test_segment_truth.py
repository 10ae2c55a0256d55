"""Segments on a simulated shop whose kinds of people lie apart, beside the kinds that were planted.

On the usual simulated shop the kinds overlap so much that nobody could tell them from the logs; here
(``kinds_apart``) one who was told the answer can, and the segmentation, which is never told, is held to it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import date

import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from ingestion.simulator import SimulatorConfig
from ml.segments.customer_segments import SegmentationResult
from ml.segments.habits import HABITS
from ml.segments.serving import segment_shops
from tests.properties.simulated_home import SimulatedHome, simulated_home

CONFIG = SimulatorConfig(visitors=3000, days=240, start=date(2025, 6, 1), seed=7, kinds_apart=3.0, activity=2.0)
#: What the segmentation has to reach, and fewest orders of customers whose habits can show.
AIM, ENOUGH_ORDERS = 0.6, 3
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedHome]:
    with simulated_home(CONFIG, tmp_path_factory.mktemp("kinds"), select=["+feat_customers", "+customer_rfm"]) as home:
        yield home


@pytest.fixture(scope="module")
def result(home: SimulatedHome) -> SegmentationResult:
    return segment_shops(home.connection)


@pytest.fixture(scope="module")
def customers(home: SimulatedHome, result: SegmentationResult) -> pd.DataFrame:
    """Everyone with an order: segment, planted kind, orders, and the ``ceiling``: the kind as a classifier tells it
    that was told the kinds of four fifths of the customers and knows every feature there is."""
    planted = home.connection.execute(
        "select customer_id, segment as planted from read_parquet(?)", [str(home.truth / "people.parquet")]
    ).df()
    features = home.connection.execute(
        """
        select features.*, rfm.frequency, rfm.recency_days, rfm.monetary_minor
        from features.feat_customers as features
        join marts.customer_rfm as rfm on rfm.customer_id = features.customer_id
            and features.as_of = rfm.as_of + 1
        """
    ).df()
    known = result.customers[["customer_id", "segment_id"]].merge(planted, on="customer_id", validate="one_to_one")
    assert len(known) == len(result.customers), "every customer with an order is a person who was planted"
    table = known.merge(features, on="customer_id", validate="one_to_one").sort_values("customer_id", ignore_index=True)
    assert len(table) == len(known)
    numbers = table.drop(columns=["segment_id"]).select_dtypes("number")
    numbers = numbers.assign(conversion=table["orders_placed"] / table["sessions_365d"].clip(lower=1))
    told = RandomForestClassifier(n_estimators=200, min_samples_leaf=3, random_state=0, n_jobs=1)
    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=0)
    X = numbers.astype("float64").fillna(-1.0).to_numpy()
    with warnings.catch_warnings():
        # A kind of fewer customers than folds cannot be in each of them: nothing is wrong.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        ceiling = cross_val_predict(told, X, table["planted"], cv=folds)
    return table[["customer_id", "segment_id", "planted", "frequency"]].assign(ceiling=ceiling)


def test_planted_kinds_are_found_again(
    home: SimulatedHome, customers: pd.DataFrame, result: SegmentationResult
) -> None:
    """Of everyone with an order; both figures, and the ceilings beside them, are printed with ``-s``."""
    figures = {}
    for name, rows in (("all", customers), ("enough", customers[customers["frequency"] >= ENOUGH_ORDERS])):
        ours = adjusted_rand_score(rows["planted"], rows["segment_id"])
        figures[name] = (ours, adjusted_rand_score(rows["planted"], rows["ceiling"]), len(rows))
    print({name: f"ARI {ours:.3f}, told {told:.3f}, n {n}" for name, (ours, told, n) in figures.items()})
    print(pd.crosstab(customers["planted"], customers["segment_id"]))
    assert figures["all"][2] > 300
    assert figures["all"][0] >= AIM
    assert result.reasons[home.shop_id].startswith("largest k with mean bootstrap ARI")


def test_habits_are_what_tells_the_kinds(customers: pd.DataFrame, result: SegmentationResult) -> None:
    """The features were chosen without the truth; the two purest segments are mostly of one kind each."""
    assert result.segments["features"].unique().tolist() == [", ".join(HABITS)]
    largest = customers.groupby("segment_id")["planted"].agg(lambda kinds: kinds.value_counts(normalize=True).iloc[0])
    assert (largest.sort_values(ascending=False).iloc[:2] > 0.75).all(), largest

"""Churn on the simulated shop, beside what the simulator itself knew of each customer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ingestion.simulator import SimulatorConfig
from ml.churn.customer_churn import Churn, churn_scores
from ml.evaluation.classification import auc, compare_probabilities, measure_probabilities
from tests.properties.simulated_home import SimulatedHome, simulated_home

CONFIG = SimulatorConfig(visitors=12000, days=180, start=date(2025, 6, 1), seed=23)
HORIZON = 30
#: What comes after it is the outcome, and nothing of it is known to the model.
CUT = CONFIG.start + timedelta(days=CONFIG.days - HORIZON)
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedHome]:
    with simulated_home(CONFIG, tmp_path_factory.mktemp("churn"), select=["+feat_customers"]) as home:
        yield home


@pytest.fixture(scope="module")
def beside(home: SimulatedHome) -> pd.DataFrame:
    """Everyone scored on ``CUT``: ``y`` (no order in the horizon), our score, recency, and what the process said."""
    capability = Churn(horizon_days=HORIZON, known_until=CUT)
    data = capability.read(home.connection, home.shop_id)
    trained = capability.train(data, None, 42)
    scored = churn_scores(trained.model, trained.record, data)
    assert trained.record.data_until <= CUT
    planted = home.connection.execute(
        """
        select customer_id, no_purchase_30d as planted, seen_no_purchase_30d as seen
        from read_parquet(?) where as_of = ?
        """,
        [str(home.truth / "customer_hazard.parquet"), CUT.isoformat()],
    ).df()
    happened = home.connection.execute(
        "select customer_id, cast(orders_placed = 0 as double) as y from features.customer_outcomes(?, ?)",
        [CUT, HORIZON],
    ).df()
    recency = data.features[["customer_id", "days_since_last_order"]]
    known = scored[["customer_id", "churn_probability", "model"]]
    return known.merge(planted, on="customer_id").merge(happened, on="customer_id").merge(recency, on="customer_id")


def test_churn_is_as_good_as_what_was_seen_allows(beside: pd.DataFrame) -> None:
    """``seen`` knows the process and reads the same visits, carts and orders; ``planted`` knows the hidden state."""
    y = beside["y"].to_numpy()
    assert len(beside) > 1000

    def rank(column: str) -> float:
        return auc(y, beside[column].to_numpy(dtype=float))(np.ones(len(y)))

    ours, seen, planted = rank("churn_probability"), rank("seen"), rank("planted")
    told = f"{ours:.3f}, recency {rank('days_since_last_order'):.3f}, seen {seen:.3f}, planted {planted:.3f}"
    print(f"{beside['model'].iloc[0]} n {len(y)}: {told}")
    assert ours >= seen - 0.03
    assert ours < planted


def test_churn_beats_recency_alone_and_is_calibrated(beside: pd.DataFrame) -> None:
    since = beside["days_since_last_order"]
    gain = compare_probabilities(beside["y"], beside["churn_probability"], since / since.max())
    assert gain is not None and gain.low > 0
    error = measure_probabilities(beside["y"], beside["churn_probability"], n_resamples=100)["calibration_error"]
    assert error is not None and error.value < 0.08

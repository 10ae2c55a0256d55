"""Session intent on the simulated shop, beside what the simulator itself knew of each visit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd
import pytest

from ingestion.simulator import SimulatorConfig
from ml.evaluation.classification import auc, compare_probabilities, measure_probabilities
from ml.outcomes.train import Learned
from ml.propensity.session_intent import SessionIntent
from tests.properties.simulated_home import SimulatedHome, simulated_home

CONFIG = SimulatorConfig(visitors=5000, days=50, start=date(2025, 9, 1), seed=17)
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedHome]:
    with simulated_home(CONFIG, tmp_path_factory.mktemp("intent"), select=["+feat_session_starts"]) as home:
        yield home


@pytest.fixture(scope="module")
def learned(home: SimulatedHome) -> Learned:
    capability = SessionIntent()
    return capability.learn(capability.read(home.connection, home.shop_id).history())


@pytest.fixture(scope="module")
def beside(learned: Learned, home: SimulatedHome) -> pd.DataFrame:
    """The held-out sessions with ``y``, the winner's ``score``, and the planted ``chance``."""
    found = learned.found
    held = pd.concat([cut.test.frame for cut in found.cuts], ignore_index=True)
    assert len(held) == len(found.y)
    held = held.assign(y=found.y, score=found.scores[found.winner], carted=found.scores["carted_already"])
    planted = home.connection.execute(
        """
        select starts.session_id, truth.purchase_probability as chance
        from intermediate.int_session_starts as starts
        join read_parquet(?) as truth
            on truth.device_id = starts.visitor_id and truth.session_start = starts.session_start_ts
        """,
        [str(home.truth / "session_intent.parquet")],
    ).df()
    return held.merge(planted, on="session_id", validate="one_to_one")


def test_model_finds_most_of_what_the_simulator_knew(beside: pd.DataFrame, learned: Learned) -> None:
    """The planted chance is of the visit before anything happened in it, and hidden; the model sees five events."""
    y = beside["y"].to_numpy()
    assert len(beside) > 0.98 * len(learned.found.y)

    def rank(scores: pd.Series) -> float:
        return auc(y, scores.to_numpy())(np.ones(len(y)))

    ours, planted = rank(beside["score"]), rank(beside["chance"])
    figures = measure_probabilities(y, beside["score"], groups=beside["customer_id"], n_resamples=200)
    print(f"{learned.found.winner} {ours:.3f} {figures['auc']}, planted {planted:.3f}, base {y.mean():.3f}")
    assert 0.72 < ours < planted < 0.90
    assert (ours - 0.5) / (planted - 0.5) > 0.7
    assert figures["calibration_error"] is not None and figures["calibration_error"].value < 0.05


def test_model_beats_carted_already_beyond_the_interval(beside: pd.DataFrame) -> None:
    gain = compare_probabilities(beside["y"], beside["score"], beside["carted"], groups=beside["customer_id"])
    assert gain is not None and gain.low > 0.08

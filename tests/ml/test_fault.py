"""What makes scores unfit to be served, and what only looks like it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.outcomes.candidates import purchase_candidates
from ml.outcomes.fault import fault_of
from ml.propensity.session_candidates import session_candidates
from ml.propensity.session_history import CATEGORICAL, NUMERIC


@pytest.mark.parametrize("broken", [np.nan, -0.1, 1.1, np.inf])
def test_a_score_that_is_no_probability_is_a_fault_of_every_model(broken: float) -> None:
    scores = pd.Series([0.5, broken, 0.2])
    for model in ("base_rate", "logit"):
        assert fault_of(scores, model) == "1 of 3 scores are no probabilities"


def test_equal_scores_are_a_fault_of_models_and_not_of_rules() -> None:
    same = pd.Series([0.25] * 20)
    assert fault_of(same, "logit") == "logit gives the same score to all 20, 0.2500"
    names = {one.name for one in purchase_candidates(30, happens_on_order=True)}
    names |= {one.name for one in session_candidates([*NUMERIC, *CATEGORICAL])}
    may = {name for name in names if fault_of(same, name) is None}
    assert may == {"base_rate", "bought_in_last_30_days", "carted_already", "one_column"}


def test_a_few_scores_may_be_equal_by_chance_and_no_scores_are_no_fault() -> None:
    assert fault_of(pd.Series([0.25] * 19), "logit") is None
    assert fault_of(pd.Series(dtype=float), "logit") is None
    assert fault_of(pd.Series(np.linspace(0, 1, 20)), "logit") is None

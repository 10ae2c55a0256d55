"""The naive rules: one column cut in four, and who may stand when columns are missing."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd

from ml.learners.probability_model import ProbabilityModel
from ml.propensity.session_candidates import OneColumn, session_candidates


def test_one_column_finds_the_telling_one_and_states_shares() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(3000, 4))
    y = (rng.random(3000) < np.where(X[:, 2] > 0.5, 0.6, 0.1)).astype(int)
    rule = OneColumn(random_state=0).fit(X, y)
    assert rule.column_ == 2 and rule.tree_.get_n_leaves() <= 4
    stated = rule.predict_proba(X)
    assert np.allclose(stated.sum(axis=1), 1)
    assert abs(stated[X[:, 2] <= 0.5, 1].mean() - 0.1) < 0.02 and abs(stated[X[:, 2] > 0.5, 1].mean() - 0.6) < 0.04
    assert (rule.predict(X) == (X[:, 2] > 0.5)).mean() > 0.95


def test_one_column_takes_the_first_of_two_that_say_the_same() -> None:
    X = np.repeat(np.arange(400.0)[:, None] % 7, 2, axis=1)
    assert OneColumn(random_state=0).fit(X, (X[:, 0] > 3).astype(int)).column_ == 0


def test_carted_already_states_the_share_of_each_kind() -> None:
    frame = pd.DataFrame({"has_carted": [0] * 800 + [1] * 200})
    y = np.array([1] * 40 + [0] * 760 + [1] * 100 + [0] * 100, dtype=float)
    carted = next(one for one in session_candidates(["has_carted"]) if one.name == "carted_already")
    stated = ProbabilityModel(carted, ["has_carted"]).fit(frame, y).predict_proba(frame)
    assert abs(stated[0] - 0.05) < 0.005 and abs(stated[-1] - 0.5) < 0.01


def test_who_has_no_column_left_does_not_stand() -> None:
    names = [one.name for one in session_candidates(["page_views", "device"])]
    assert "carted_already" not in names and "few_columns_logit" not in names and "gradient_boosting" in names
    assert all(
        set(one.features or ()) <= {"page_views", "device"} for one in session_candidates(["page_views", "device"])
    )


def test_candidates_can_be_saved_and_baselines_are_simplest() -> None:
    found = session_candidates(["has_carted", "cart_adds", "device"])
    assert [one.name for one in pickle.loads(pickle.dumps(found))] == [one.name for one in found]
    assert [one.name for one in found if one.simplicity == 0] == ["base_rate", "carted_already", "one_column"]
    assert "gru" not in [one.name for one in found]

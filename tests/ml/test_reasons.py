"""Why a score is what it is: for a logistic regression exactly coefficient times distance from the usual customer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.learners.candidates import Candidate, classifiers, logit
from ml.learners.columns import signed_log
from ml.learners.probability_model import ProbabilityModel
from ml.learners.reasons import FAINT, contributions, strongest
from ml.outcomes.evidence import evidence
from ml.outcomes.features import concepts


def cases() -> tuple[pd.DataFrame, np.ndarray]:
    generator = np.random.default_rng(5)
    frame = pd.DataFrame({"a": generator.lognormal(1, 1, 600), "b": generator.normal(size=600), "c": 1.0})
    odds = signed_log(frame["a"]) - 1.2 + 0.5 * frame["b"].to_numpy()
    return frame, (generator.random(600) < 1 / (1 + np.exp(-odds))).astype(float)


@pytest.mark.parametrize("usual", [None, {"a": 2.0, "b": -1.0}])
def test_for_a_logit_a_contribution_is_coefficient_times_distance(usual: dict[str, object] | None) -> None:
    frame, y = cases()
    model = ProbabilityModel(Candidate("logit", 1, logit()), ["a", "b"]).fit(frame, y)
    weights = model.pipeline_[-1].coef_[0]
    scaler = model.pipeline_[0].named_transformers_["numbers"][-1]
    reference = usual or model.reference_
    found = contributions(model, frame, {"of a": ["a"], "of b": ["b", "not a column"], "none": ["z"]}, usual)
    for name, weight, scale in zip("ab", weights, scaler.scale_, strict=True):
        distance = signed_log(frame[name]) - signed_log([float(reference[name])])
        np.testing.assert_allclose(found[f"of {name}"], weight * distance / scale, atol=1e-8)
    assert (found["none"] == 0).all()
    # a logit's parts add up to the whole
    both = contributions(model, frame, {"both": ["a", "b"]}, usual)["both"]
    np.testing.assert_allclose(found["of a"] + found["of b"], both, atol=1e-8)


def test_the_usual_customer_has_no_reasons_under_any_model() -> None:
    frame, y = cases()
    for candidate in (classifiers()[0], classifiers()[4]):
        model = ProbabilityModel(candidate, ["a", "b"]).fit(frame, y)
        usual = pd.DataFrame([model.reference_])
        found = contributions(model, usual, {"a": ["a"], "b": ["b"]})
        np.testing.assert_allclose(found, 0, atol=1e-9)
        assert strongest(found) == [[]]


def test_the_strongest_come_first_and_faint_ones_and_opposite_ones_not_at_all() -> None:
    table = pd.DataFrame({"x": [0.5, -1, FAINT / 2], "y": [0.7, 0.3, 0], "z": [0.5, 0.1, 3], "w": [0.1, 0.05, 0]})
    assert strongest(table) == [["y", "x", "z"], ["y", "z", "w"], ["z"]]
    assert strongest(table, 1) == [["y"], ["y"], ["z"]]


def test_no_rows_have_no_reasons() -> None:
    frame, y = cases()
    model = ProbabilityModel(Candidate("logit", 1, logit()), ["a", "b"]).fit(frame, y)
    assert strongest(contributions(model, frame.head(0), {"a": ["a"]})) == []


def test_evidence_is_told_in_both_languages() -> None:
    rows = pd.DataFrame(
        {
            "days_since_last_order": [83.0, 1.0, np.nan],
            "mean_gap_days": [21.2, np.nan, np.nan],
            "sessions_30d": [1, 0, 2],
            "sessions_90d": [13, 0, 2],
            "net_revenue_minor": [50.0, -3.0, np.nan],
        }
    )
    told = evidence("recency", rows, {})
    assert told[0] == ("last order 83 days ago, usual gap 21 days", "上次下单 83 天前，通常间隔 21 天")
    assert told[1].en == "last order 1 day ago, only one so far"
    assert told[2].en == "no order yet"
    assert evidence("visits", rows, {})[0].en == "1 visit in the last 30 days, 12 in the 60 days before"
    money = [words.en for words in evidence("money", rows, {"net_revenue_minor": 100.0})]
    assert money == [
        "spent 0.5 times what the typical customer did",
        "nothing spent net of refunds",
        "spend is not known",
    ]


def test_every_concept_has_words_even_where_nothing_is_known() -> None:
    columns = [
        *("days_since_last_order", "sessions_30d", "cart_adds_30d", "categories_wanted_90d", "refund_share"),
        *("discounted_share_of_orders", "orders_placed", "net_revenue_minor", "tenure_days"),
    ]
    named = concepts(columns)
    assert len(named) == 9
    nothing = pd.DataFrame({column: [np.nan] for column in columns})
    for concept in named:
        (words,) = evidence(concept, nothing, {})
        assert words.en
        assert words.zh
        assert "nan" not in words.en + words.zh

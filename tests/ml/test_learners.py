"""Every candidate takes what real shops have: gaps, new categories, constants, infinities; and says the same again."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from ml.evaluation.enough import NotEnoughData
from ml.learners.candidates import Candidate, classifiers, logit
from ml.learners.columns import as_features
from ml.learners.probability_model import FEWEST_OF_EACH, ProbabilityModel

NUMERIC, CATEGORICAL = ("spend", "visits", "constant", "gaps"), ("channel",)
ALL = [pytest.param(one, id=one.name) for one in classifiers()]


def cases(n: int = 500, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    generator = np.random.default_rng(seed)
    visits = generator.poisson(3, n).astype(float)
    frame = pd.DataFrame(
        {
            "customer_id": [f"客{number % (n // 2)}" for number in range(n)],
            "spend": generator.lognormal(8, 1, n),
            "visits": visits,
            "constant": 3.0,
            "gaps": np.where(generator.random(n) < 0.05, np.nan, generator.normal(size=n)),
            "channel": generator.choice(["mail", "搜索", "ads"], n),
        }
    )
    odds = visits - 3 + 1.5 * (frame["channel"] == "mail").to_numpy()
    return frame, (generator.random(n) < 1 / (1 + np.exp(-odds))).astype(float)


def fitted(candidate: Candidate, frame: pd.DataFrame, y: np.ndarray) -> ProbabilityModel:
    return ProbabilityModel(candidate, NUMERIC, CATEGORICAL, random_state=3).fit(frame, y, frame["customer_id"])


@pytest.mark.parametrize("candidate", ALL)
def test_a_candidate_learns_scores_the_unknown_and_repeats_itself(candidate: Candidate) -> None:
    frame, y = cases()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fitted(candidate, frame, y)
        later, truth = cases(2000, seed=2)
        scores = model.predict_proba(later)
        assert roc_auc_score(truth, scores) > 0.72
        # calibrated: what is stated is what is found, on the whole
        assert abs(scores.mean() - truth.mean()) < 0.06
        odd = later.head(6).astype({"channel": object}).copy()
        odd.loc[odd.index[0], "channel"] = "carrier pigeon"
        odd.loc[odd.index[1], "channel"] = None
        odd.loc[odd.index[2], list(NUMERIC)] = np.nan
        odd.loc[odd.index[3], "spend"] = np.inf
        odd.loc[odd.index[4], "spend"] = -np.inf
        odd.loc[odd.index[5], "visits"] = 1e300
        told = model.predict_proba(odd)
    assert ((told >= 0) & (told <= 1)).all()
    order = np.random.default_rng(0).permutation(len(later))
    np.testing.assert_allclose(model.predict_proba(later.iloc[order]), scores[order], rtol=0, atol=1e-12)
    again = fitted(candidate, frame, y).predict_proba(later)
    np.testing.assert_allclose(again, scores, rtol=0, atol=1e-9)


def test_a_feature_that_is_never_known_does_no_harm() -> None:
    frame, y = cases()
    model = fitted(classifiers()[0], frame.assign(gaps=np.nan), y)
    assert np.isfinite(model.predict_proba(frame)).all()


def test_too_few_cases_of_a_kind_are_said() -> None:
    frame, y = cases()
    few = np.zeros(len(y))
    few[: FEWEST_OF_EACH - 1] = 1
    for truth in (few, 1 - few, np.zeros(len(y)), np.ones(len(y))):
        with pytest.raises(NotEnoughData, match="20 that happened"):
            fitted(classifiers()[0], frame, truth)


def test_rows_of_one_customer_are_one_case_when_calibrating() -> None:
    frame, _ = cases()
    one = frame.assign(customer_id="b")
    one.loc[:39, "customer_id"] = "a"
    y = (one["customer_id"] == "a").to_numpy(dtype=float)
    svm = next(candidate for candidate in classifiers() if candidate.name == "linear_svm")
    with pytest.raises(NotEnoughData, match="to calibrate on"):
        fitted(svm, one, y)
    model = ProbabilityModel(svm, NUMERIC, CATEGORICAL)
    truth = cases()[1]
    folds = model._folds(truth.astype(np.int64), frame["customer_id"])
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(frame)))
    for training, test in folds:
        assert not set(frame["customer_id"].iloc[training]) & set(frame["customer_id"].iloc[test])
        assert abs(truth[test].mean() - truth.mean()) < 0.05


def test_a_candidate_may_be_limited_to_some_columns() -> None:
    frame, y = cases()
    model = fitted(Candidate("visits alone", 0, logit(), ("visits",)), frame, y)
    assert (model.numeric_, model.categorical_) == (["visits"], [])
    scores = model.predict_proba(frame.drop(columns=["spend", "channel"]))
    assert pd.Series(scores).groupby(frame["visits"]).nunique().eq(1).all()


def test_what_is_no_feature_is_named() -> None:
    frame, _ = cases(20)
    with pytest.raises(ValueError, match="expected columns nothing"):
        as_features(frame, ["nothing"])
    with pytest.raises(ValueError, match=r"features\.channel: expected numbers"):
        as_features(frame, ["channel"])
    assert list(as_features(pd.DataFrame({"b": [True, False]}), ["b"])["b"]) == [1.0, 0.0]

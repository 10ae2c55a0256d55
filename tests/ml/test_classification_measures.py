"""Measures of probabilities against scikit-learn's own, with ties and weights, and their bootstrap intervals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from ml.evaluation.classification import (
    METRICS,
    compare_probabilities,
    lift_at,
    lift_curve,
    measure_probabilities,
    reliability,
)
from ml.evaluation.resamples import bootstrap_weights, estimates

REFERENCE = {
    "auc": roc_auc_score,
    "average_precision": average_precision_score,
    "brier": brier_score_loss,
    "log_loss": log_loss,
}


def cases(seed: int, n: int = 300, ties: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    p = generator.random(n) * 0.98 + 0.01
    if ties:
        p = np.round(p, 1).clip(0.05, 0.95)
    y = (generator.random(n) < p).astype(float)
    return y, p, generator.integers(0, 4, n).astype(float)


@pytest.mark.parametrize("metric", REFERENCE)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_measures_are_scikit_learns_under_weights_and_ties(metric: str, ties: bool, seed: int) -> None:
    y, p, weights = cases(seed, ties=ties)
    measure = METRICS[metric].prepare(y, p)
    assert measure(np.ones(len(y))) == pytest.approx(REFERENCE[metric](y, p), abs=1e-12)
    drawn = weights > 0
    expected = REFERENCE[metric](y[drawn], p[drawn], sample_weight=weights[drawn])
    assert measure(weights) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_no_measure_depends_on_the_order_of_rows(metric: str) -> None:
    y, p, weights = cases(4, ties=True)
    order = np.random.default_rng(0).permutation(len(y))
    there = METRICS[metric].prepare(y, p)(weights)
    assert METRICS[metric].prepare(y[order], p[order])(weights[order]) == pytest.approx(there, abs=1e-12)


def test_lift_counts_a_tie_at_the_edge_in_part() -> None:
    y = np.array([1.0, 0, 0, 0, 1, 0, 0, 0, 0, 0])
    p = np.array([0.9] + [0.5] * 4 + [0.1] * 5)
    # a fifth are two rows: the first positive, and one of four that tie, of whom a quarter is positive
    assert lift_at(0.2)(y, p)(np.ones(10)) == pytest.approx((1 + 0.25) / 2 / 0.2)
    assert lift_at(1.0)(y, p)(np.ones(10)) == pytest.approx(1.0)
    assert lift_curve(y, p)["found"].iloc[-1] == pytest.approx(1.0)


def test_calibration_error_is_zero_for_the_truth_and_the_shift_for_a_shift() -> None:
    p = np.repeat([0.2, 0.8], 500)
    y = np.concatenate([np.repeat([1.0, 0], [100, 400]), np.repeat([1.0, 0], [400, 100])])
    error = METRICS["calibration_error"].prepare
    assert error(y, p)(np.ones(1000)) == pytest.approx(0, abs=1e-12)
    assert error(y, p + 0.1)(np.ones(1000)) == pytest.approx(0.1, abs=1e-12)
    table = reliability(y, p)
    assert list(table["rows"]) == [500, 500]
    assert list(table["found"]) == pytest.approx([0.2, 0.8])


def test_one_class_and_no_rows_have_no_auc() -> None:
    found = measure_probabilities(np.ones(20), np.linspace(0, 1, 20), n_resamples=20)
    assert found["auc"] is None
    assert found["brier"] is not None
    assert measure_probabilities([], []) == dict.fromkeys(METRICS)
    assert compare_probabilities([], [], []) is None


@pytest.mark.parametrize(
    ("y", "p", "named"),
    [([0, 1], [0.5], "one length"), ([0, 2], [0.5, 0.5], "0 and 1"), ([0, 1], [0.5, np.nan], "between 0 and 1")],
)
def test_what_are_no_probabilities_is_said(y: list[float], p: list[float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        measure_probabilities(y, p)


def test_groups_are_drawn_whole_and_widen_the_interval() -> None:
    groups = np.repeat(np.arange(50), 8)
    for weights in bootstrap_weights(400, n_resamples=5, random_state=1, groups=groups):
        assert (weights.reshape(50, 8) == weights.reshape(50, 8)[:, :1]).all()
        assert weights.sum() == 8 * weights.reshape(50, 8)[:, 0].sum() == 400
    # rows of a group are copies: eight times the rows, and no more known
    y, p, _ = cases(5, n=50)
    y, p = np.repeat(y, 8), np.repeat(p, 8)
    alone = measure_probabilities(y, p, n_resamples=300)["brier"]
    together = measure_probabilities(y, p, n_resamples=300, groups=groups)["brier"]
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_interval_covers_the_true_auc_about_as_often_as_it_says() -> None:
    # scores N(1, 1) against N(0, 1): the true AUC is Phi(1 / sqrt 2) = .7602
    covered = 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        y = np.repeat([1.0, 0], 100)
        p = 1 / (1 + np.exp(-generator.normal(y, 1)))
        figure = measure_probabilities(y, p, n_resamples=200, random_state=seed)["auc"]
        covered += figure.low <= 0.7602 <= figure.high
    assert 52 <= covered <= 60


def test_a_paired_gain_is_narrower_than_the_intervals_suggest() -> None:
    y, p, _ = cases(6, n=800)
    worse = np.clip(p + np.random.default_rng(1).normal(0, 0.15, len(p)), 0, 1)
    gained = compare_probabilities(y, p, worse, "auc")
    assert gained.low > 0
    alone = measure_probabilities(y, p)["auc"]
    assert gained.high - gained.low < alone.high - alone.low
    assert compare_probabilities(y, worse, p, "log_loss").high < 0
    assert compare_probabilities(y, p, p, "auc")[:3] == (0, 0, 0)


def test_a_measure_outside_of_its_own_percentiles_widens_its_interval() -> None:
    draws = iter([5.0, *([1.0] * 10)])
    figure = estimates({"odd": lambda weights: next(draws)}, 3, n_resamples=10)["odd"]
    assert (figure.low, figure.value, figure.high) == (1, 5, 5)

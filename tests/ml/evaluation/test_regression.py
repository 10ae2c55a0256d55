"""Measures of predicted amounts: known answers, intervals that hold what they say, and clear refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import mean_absolute_error, mean_tweedie_deviance, root_mean_squared_error

from ml.evaluation.regression import (
    DRAWN_ROWS,
    mean_difference,
    regression_measures,
    resampled_means,
    squared_error,
    tweedie_loss,
)


def spend(n=2000, seed=0):
    generator = np.random.default_rng(seed)
    expected = generator.lognormal(3, 1, n)
    return np.where(generator.random(n) < 0.5, 0.0, generator.gamma(2, expected)), expected


def test_figures_are_the_textbook_ones():
    actual, predicted = spend()
    measures = regression_measures(actual, predicted)
    assert measures["rmse"].value == pytest.approx(root_mean_squared_error(actual, predicted))
    assert measures["mae"].value == pytest.approx(mean_absolute_error(actual, predicted))
    assert measures["spearman"].value == pytest.approx(spearmanr(actual, predicted).statistic)
    assert measures["bias_ratio"].value == pytest.approx(predicted.sum() / actual.sum())
    assert measures["tweedie_deviance"].value == pytest.approx(mean_tweedie_deviance(actual, predicted, power=1.5))
    for estimate in measures.values():
        assert estimate.low < estimate.value < estimate.high
        assert estimate.n == 2000


def test_small_numbers_by_hand():
    measures = regression_measures([0.0, 10.0, 20.0], [5.0, 10.0, 30.0])
    assert measures["rmse"].value == pytest.approx(np.sqrt(125 / 3))
    assert measures["mae"].value == 5.0
    assert measures["spearman"].value == pytest.approx(1.0)
    assert measures["bias_ratio"].value == 1.5


def test_intervals_hold_the_truth_as_often_as_they_say():
    # RMSE of a normal error of spread 3 is 3; of 100 samples about 95 intervals hold it
    inside = 0
    for seed in range(100):
        error = np.random.default_rng(seed).normal(0, 3, 300)
        rmse = regression_measures(np.zeros(300), error, n_resamples=200)["rmse"]
        inside += rmse.low <= 3 <= rmse.high
    assert 85 <= inside <= 99


def test_a_sample_stands_for_many_rows():
    values = np.random.default_rng(1).normal(10, 5, 3 * DRAWN_ROWS)[:, None]
    draws = resampled_means(values, n_resamples=300, random_state=0)[:, 0]
    assert draws.mean() == pytest.approx(values.mean(), abs=0.005)
    assert draws.std() == pytest.approx(5 / np.sqrt(len(values)), rel=0.15)


@pytest.mark.parametrize("constant", [0.1, 7.0, 1234.567])
def test_a_constant_has_no_rank_correlation(constant):
    actual, _ = spend()
    assert regression_measures(actual, np.full(len(actual), constant))["spearman"] is None


def test_no_spend_at_all_has_no_bias_ratio():
    measures = regression_measures(np.zeros(30), np.ones(30))
    assert measures["bias_ratio"] is None
    assert measures["rmse"].value == 1.0
    assert np.isfinite(measures["tweedie_deviance"].value)


def test_only_the_median_is_best_by_absolute_error():
    # why models are not chosen by it: predicting nothing at all "beats" the true mean
    actual, predicted = spend()
    nothing = np.zeros_like(actual)
    assert regression_measures(actual, nothing)["mae"].value < regression_measures(actual, predicted)["mae"].value
    for loss in (squared_error, tweedie_loss):
        assert mean_difference(loss(actual, predicted), loss(actual, nothing)).high < 0


def test_a_difference_is_paired():
    actual, predicted = spend(2000)
    worse = predicted * 1.5
    paired = mean_difference(tweedie_loss(actual, worse), tweedie_loss(actual, predicted))
    apart = [regression_measures(actual, guess)["tweedie_deviance"] for guess in (worse, predicted)]
    assert paired.low > 0
    assert apart[0].low < apart[1].high
    same = mean_difference(tweedie_loss(actual, predicted), tweedie_loss(actual, predicted))
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_returns_and_predictions_of_nothing_have_a_finite_deviance():
    loss = tweedie_loss([-50.0, 0.0, 100.0], [0.0, 0.0, 0.0])
    assert np.isfinite(loss).all()
    assert loss[0] == loss[1] < loss[2]


def test_the_same_seed_draws_the_same():
    actual, predicted = spend(500)
    assert regression_measures(actual, predicted) == regression_measures(actual, predicted)
    assert regression_measures(actual, predicted) != regression_measures(actual, predicted, random_state=1)


@pytest.mark.parametrize(
    ("actual", "predicted", "message"),
    [
        ([], [], "non-empty"),
        ([1.0], [1.0, 2.0], "one length"),
        ([1.0, np.nan], [1.0, 2.0], "finite"),
        ([1.0, 2.0], [1.0, np.inf], "finite"),
    ],
)
def test_broken_input_is_refused(actual, predicted, message):
    with pytest.raises(ValueError, match=message):
        regression_measures(actual, predicted)


def test_the_power_lies_between_poisson_and_gamma():
    with pytest.raises(ValueError, match=r"power: expected a number between 1 and 2, got 2\.5"):
        tweedie_loss([1.0], [1.0], power=2.5)


def test_rows_of_one_customer_that_say_the_same_narrow_no_interval():
    generator = np.random.default_rng(3)
    better, worse = generator.random(500), generator.random(500) + 0.1
    once = mean_difference(better, worse)
    twice = mean_difference(np.tile(better, 2), np.tile(worse, 2), groups=np.tile(np.arange(500), 2))
    naive = mean_difference(np.tile(better, 2), np.tile(worse, 2))
    assert twice.value == pytest.approx(once.value)
    assert twice.high - twice.low == pytest.approx(once.high - once.low)
    assert naive.high - naive.low < 0.8 * (once.high - once.low)

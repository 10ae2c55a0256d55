"""Gamma-Gamma: planted parameters, its gradient's top, shrinkage, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from ml.evaluation.enough import NotEnoughData
from ml.value.gamma_gamma import GammaGamma


def simulated(n=4000, p=4.0, q=3.5, v=900.0, seed=3):
    generator = np.random.default_rng(seed)
    purchases = generator.integers(1, 8, n)
    nu = generator.gamma(q, 1 / v, n)
    return purchases, generator.gamma(p * purchases, 1 / nu) / purchases, p / nu


def test_planted_parameters_are_found():
    purchases, mean, true_mean = simulated(n=40_000)
    model = GammaGamma().fit(purchases, mean)
    assert (model.p_, model.q_, model.v_) == pytest.approx((4.0, 3.5, 900.0), rel=0.1)
    guess = model.expected_amount(purchases, mean)
    assert guess.mean() == pytest.approx(true_mean.mean(), rel=0.03)
    # shrinking beats taking a customer's own mean at its word
    assert ((guess - true_mean) ** 2).mean() < 0.8 * ((mean - true_mean) ** 2).mean()


def test_the_unit_of_money_changes_nothing():
    purchases, mean, _ = simulated(n=500)
    pounds, pence = GammaGamma().fit(purchases, mean), GammaGamma().fit(purchases, mean * 100)
    assert pence.v_ == pytest.approx(pounds.v_ * 100, rel=1e-6)
    assert pence.log_likelihood_ == pytest.approx(pounds.log_likelihood_ - 500 * np.log(100), rel=1e-9)


def test_expectations_go_from_everyones_to_ones_own():
    purchases, mean, _ = simulated()
    model = GammaGamma().fit(purchases, mean)
    everyone = model.p_ * model.v_ / (model.q_ - 1)
    few, many = model.expected_amount([1, 500], [5000.0, 5000.0])
    assert model.expected_amount([0], [np.nan])[0] == pytest.approx(everyone)
    assert everyone < few < many < 5000.0 * 1.01
    assert np.isnan(model.expected_amount([2], [np.nan])[0])
    assert model.expected_amount([2], [-40.0])[0] == model.expected_amount([2], [0.0])[0] > 0


def test_one_price_for_all_is_learned_as_that_price():
    model = GammaGamma().fit(np.full(60, 3), np.full(60, 1999.0))
    assert model.expected_amount([0, 3], [np.nan, 1999.0]) == pytest.approx([1999.0, 1999.0], rel=0.01)


def test_heavy_tails_keep_a_finite_mean():
    generator = np.random.default_rng(1)
    model = GammaGamma().fit(generator.integers(1, 3, 500), generator.pareto(0.6, 500) + 1e-3)
    assert model.q_ > 1
    assert np.isfinite(model.expected_amount([0, 1], [np.nan, 1e9])).all()


@pytest.mark.parametrize(
    ("purchases", "mean", "needed"),
    [([2] * 49, [5.0] * 49, "50 customers of known spend"), ([1] * 900, [5.0] * 900, "10 customers with two")],
)
def test_too_little_is_said(purchases, mean, needed):
    with pytest.raises(NotEnoughData, match=needed):
        GammaGamma().fit(purchases, mean)


@pytest.mark.parametrize(
    ("purchases", "mean", "message"),
    [
        ([1, 2], [3.0], "one length"),
        ([0, 2], [3.0, 4.0], "at least one purchase"),
        ([1, 2], [0.0, 4.0], "above 0"),
        ([1, 2], [np.inf, 4.0], "finite"),
    ],
)
def test_broken_amounts_are_refused(purchases, mean, message):
    with pytest.raises(ValueError, match=message):
        GammaGamma().fit(purchases, mean)

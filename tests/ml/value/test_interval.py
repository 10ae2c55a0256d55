"""Intervals around expected spend hold what they say, in every bin of the prediction."""

from __future__ import annotations

import numpy as np
import pytest

from ml.evaluation.enough import NotEnoughData
from ml.value.interval import ConformalInterval


def spend(n, seed, zeros=0.6):
    generator = np.random.default_rng(seed)
    expected = generator.lognormal(6, 1.2, n)
    return np.where(generator.random(n) < zeros, 0.0, generator.gamma(3, expected / 3 / (1 - zeros))), expected


@pytest.mark.parametrize("zeros", [0.0, 0.6, 0.95])
@pytest.mark.parametrize("level", [0.8, 0.9])
def test_new_rows_lie_inside_as_often_as_it_says(zeros, level):
    interval = ConformalInterval(level).fit(*spend(4000, 1, zeros))
    actual, predicted = spend(20_000, 2, zeros)
    low, high = interval.predict(predicted)
    inside = (low <= actual) & (actual <= high)
    # where more than the level spends nothing the shortest interval there is holds more
    assert inside.mean() == pytest.approx(max(level, zeros), abs=0.03)
    for part in np.array_split(np.argsort(predicted), 5):
        assert inside[part].mean() > level - 0.06
    assert ((low <= predicted) & (predicted <= high)).all()


def test_wide_for_great_customers_and_narrow_for_small_ones():
    interval = ConformalInterval().fit(*spend(4000, 1))
    low, high = interval.predict([10.0, 1000.0])
    assert high[1] > 20 * high[0] > 0
    assert (low >= 0).all()


def test_unknown_stays_unknown_and_nothing_stays_small():
    interval = ConformalInterval().fit(*spend(500, 1))
    low, high = interval.predict([np.nan, 0.0])
    assert np.isnan([low[0], high[0]]).all()
    assert low[1] <= 0 <= high[1] < 100


@pytest.mark.parametrize("predicted", [np.zeros(300), np.full(300, 5.0), np.repeat([1.0, 9.0], [290, 10])])
def test_equal_predictions_share_a_bin(predicted):
    actual = np.random.default_rng(0).gamma(2, 3, 300)
    low, high = ConformalInterval().fit(actual, predicted).predict(predicted)
    # an expectation of nothing lies inside as well, so the interval begins there and holds more
    assert 0.87 <= ((low <= actual) & (actual <= high)).mean() <= (0.93 if predicted.any() else 0.96)
    assert np.isfinite(high).all()


def test_nothing_spent_by_anyone():
    low, high = ConformalInterval().fit(np.zeros(200), np.zeros(200)).predict([0.0, 3.0])
    assert low.tolist() == [0.0, 0.0]
    assert high.tolist() == [0.0, 3.0]


def test_too_few_rows_to_tell_a_tail():
    with pytest.raises(NotEnoughData, match=r"intervals of level 0\.9: needed 20 customers of known outcome, found 19"):
        ConformalInterval().fit(*spend(19, 1))

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, fisher_exact

from ml.recommend.rules.significance import adjusted_p, fisher_greater, lift_interval


@st.composite
def tables(draw):
    n = draw(st.integers(1, 400))
    left, right = draw(st.integers(0, n)), draw(st.integers(0, n))
    return draw(st.integers(max(0, left + right - n), min(left, right))), left, right, n


@settings(max_examples=300)
@given(tables())
def test_p_is_fishers(table):
    both, left, right, n = table
    theirs = fisher_exact([[both, left - both], [right - both, n - left - right + both]], alternative="greater").pvalue
    assert fisher_greater([both], [left], [right], n)[0] == pytest.approx(theirs, rel=1e-9, abs=1e-300)


def test_tests_of_very_different_size_are_summed_together():
    both, left, right, n = (
        [3, 500, 90_000, 12_000, 40],
        [5, 1_000, 300_000, 30_000, 40],
        [7, 1_100, 290_000, 390_000, 40],
        10**6,
    )
    theirs = [
        fisher_exact([[x, a - x], [b - x, n - a - b + x]], alternative="greater").pvalue
        for x, a, b in zip(both, left, right, strict=True)
    ]
    np.testing.assert_allclose(fisher_greater(both, left, right, n), theirs, rtol=1e-6)


def test_no_tests():
    assert fisher_greater([], [], [], 0).shape == (0,)
    assert adjusted_p([], 0).shape == (0,)
    assert [end.shape for end in lift_interval([], [], [], 0)] == [(0,), (0,)]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(0, 40))
def test_the_correction_is_benjamini_and_hochbergs_with_the_unseen_at_one(p, unseen):
    theirs = false_discovery_control([*p, *[1.0] * unseen])[: len(p)]
    np.testing.assert_allclose(adjusted_p(p, len(p) + unseen), theirs, rtol=1e-12)


def test_fewer_tests_than_results_is_a_mistake():
    with pytest.raises(ValueError, match="n_tested: expected at least the 2"):
        adjusted_p([0.1, 0.2], 1)


@pytest.mark.parametrize(("p_left", "p_right", "p_both"), [(0.02, 0.05, 0.004), (0.1, 0.1, 0.09), (0.3, 0.2, 0.06)])
def test_the_interval_holds_the_true_lift_nineteen_times_in_twenty(p_left, p_right, p_both):
    n, draws = 3_000, 4_000
    chances = [p_both, p_left - p_both, p_right - p_both, 1 - p_left - p_right + p_both]
    counts = np.random.default_rng(3).multinomial(n, chances, draws)
    both, left, right = counts[:, 0], counts[:, :2].sum(axis=1), counts[:, [0, 2]].sum(axis=1)
    low, high = lift_interval(both, left, right, n)
    true = p_both / (p_left * p_right)
    assert ((low <= true) & (true <= high)).mean() >= 0.95
    assert (low <= both * n / (left * right)).all() and (both * n / (left * right) <= high).all()


def test_ten_of_ten_is_not_certain():
    low, high = lift_interval([10], [10], [2_000], 10_000)
    assert low[0] < 2.5
    assert high[0] == pytest.approx(5)  # all that the consequent's share allows

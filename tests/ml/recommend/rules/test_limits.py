from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.recommend.rules.limits import RuleLimits, fraction


@pytest.mark.parametrize(
    ("support", "n", "least"),
    [
        (0.001, 9835, 10),
        ("0.001", 10_000, 10),
        # in floats 0.07 * 100 is 7.000000000000001, which would ask for eight
        (0.07, 100, 7),
        (Fraction(1, 3), 9, 3),
        (0, 50, 1),
        (1, 50, 50),
        (0.5, 0, 1),
    ],
)
def test_a_support_is_a_number_of_baskets(support, n, least):
    assert RuleLimits(min_support=support, min_count=1).least_baskets(n) == least


def test_the_greater_minimum_counts():
    limits = RuleLimits(min_support="0.01", min_count=5)
    assert (limits.least_baskets(100), limits.least_baskets(1000)) == (5, 10)


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 10**7))
def test_least_baskets_is_the_smallest_number_that_meets_the_support(numerator, more, n):
    support = Fraction(numerator, numerator + more)
    least = RuleLimits(min_support=support, min_count=1).least_baskets(n)
    assert least >= support * n
    assert least == 1 or least - 1 < support * n


@pytest.mark.parametrize("share", [-0.1, 1.5, "a tenth", float("nan"), "1e-12", 1 / 3])
def test_a_share_that_cannot_be_counted_exactly_is_refused(share):
    with pytest.raises(ValueError, match="min_support: expected"):
        RuleLimits(min_support=share)


@pytest.mark.parametrize("name", ["min_count", "max_items", "max_basket_items", "most_sets"])
def test_a_limit_of_nothing_is_refused(name):
    with pytest.raises(ValueError, match=f"{name}: expected at least"):
        RuleLimits(**{name: 0})


def test_a_float_means_what_is_written():
    assert fraction("x", 0.1) == Fraction(1, 10)

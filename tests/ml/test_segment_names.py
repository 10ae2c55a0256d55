"""Names: right words, always unique, independent of the order of clusters."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.segments.behaviour import BEHAVIOUR
from ml.segments.features import FEATURES, FREQUENCY, RECENCY
from ml.segments.naming import ALL_CUSTOMERS, NOTHING_APART, SegmentName, name_segments

WIDE = (*FEATURES, *BEHAVIOUR)


def names(centers, features=FEATURES, units=None, currency="EUR"):
    centers = np.array(centers, dtype=float)
    return name_segments(centers, np.exp(centers) * 100 if units is None else np.array(units), features, currency)


def test_words_follow_the_centres():
    assert names([[-1, 1, 1], [1, -1, -1], [0.2, 0, 0.49]]) == [
        SegmentName("Recent, frequent, high spend", "近期高频高额"),
        SegmentName("Lapsed, rare, low spend", "久未购低频低额"),
        SegmentName("Cooling, occasional, medium spend", "中期中频中额"),
    ]


def test_one_segment_is_all_customers():
    assert names([[2, 2, 2]]) == [ALL_CUSTOMERS]


def test_without_money_names_speak_of_recency_and_frequency():
    assert [name.en for name in names([[-1, 1], [1, -1]], (RECENCY, FREQUENCY))] == [
        "Recent, frequent",
        "Lapsed, rare",
    ]


def test_shared_words_get_finer_ones():
    assert [name.en for name in names([[-2, 2, 2], [-1, 1, 1]])] == [
        "Very recent, very frequent, very high spend",
        "Recent, frequent, high spend",
    ]


def test_two_that_share_all_words_are_compared_where_they_differ_most():
    assert [tuple(name) for name in names([[0, 0.1, 0], [0.1, -0.4, 0]])] == [
        ("Cooling, occasional, medium spend (more orders)", "中期中频中额（订单较多）"),
        ("Cooling, occasional, medium spend (fewer orders)", "中期中频中额（订单较少）"),
    ]


def test_three_that_share_all_words_show_figures():
    found = names(
        [[0, 0, 0], [0.1, 0, 0], [0.2, 0, 0]],
        units=[[10, 2, 1_234_500], [10.4, 2, 1_234_500], [12, 2, 1_234_500]],
    )
    assert [name.en.partition("(")[2] for name in found] == [
        "about 10.0 days, 2.0 orders, 12,345.0 EUR)",
        "about 10.4 days, 2.0 orders, 12,345.0 EUR)",
        "about 12.0 days, 2.0 orders, 12,345.0 EUR)",
    ]
    yen = names([[0, 0, 0], [0.1, 0, 0], [0.2, 0, 0]], units=[[1, 2, 500], [2, 2, 500], [3, 2, 500]], currency="JPY")
    assert "500 JPY" in yen[0].en


def test_of_many_features_a_name_tells_what_stands_out_most():
    found = names([[0.6, 0.9, 0, 0.7, -1.4, 0.1, 2], [0.1, 0.2, -0.4, 0, 0, 0.3, 0], [0, 0, 0, 0, 0, -0.7, 0]], WIDE)
    assert [tuple(name) for name in found] == [
        ("Frequent, short visits, buys on discount", "高频停留短常用折扣"),
        tuple(NOTHING_APART),
        ("Narrow interest", "品类窄"),
    ]


def test_two_that_stand_out_alike_are_compared_in_any_feature():
    found = names([[0, 0, 0, 0.1, 0.2, 0, 0], [0, 0, 0, 0.1, -0.3, 0, 0]], WIDE)
    assert [name.en for name in found] == [
        "Average in everything (longer visits)",
        "Average in everything (shorter visits)",
    ]


def test_figures_of_behaviour_have_their_units():
    units = [[10, 2, 5000, 3.0, 4, 2, share] for share in (0.1, 0.2, 0.3)]
    found = names([[0, 0, 0, 0, 0, 0, z / 10] for z in range(3)], WIDE, units)
    assert "10 days, 2 orders, 50 EUR, 3 visits a month, 4 minutes a visit, 2 categories, 10 % of orders" in found[0].en
    assert "3 次/月、4 分钟/次、2 个品类、10 % 订单用折扣" in found[0].zh


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-15, 15)] * 7), min_size=2, max_size=10, unique=True))
def test_names_of_many_features_are_unique(points):
    found = names([[value / 10 for value in point] for point in points], WIDE)
    assert len({name.en for name in found}) == len({name.zh for name in found}) == len(points)


def test_equal_centres_are_refused():
    with pytest.raises(ValueError, match="distinct centres"):
        names([[1, 1, 1], [1, 1, 1]])
    with pytest.raises(ValueError, match="distinct centres"):
        names([[1, 1, 1]] * 3)


def test_every_combination_of_words_has_its_own_name_in_both_languages():
    # Two centres a level: the finer words are used for both.
    grid = [list(point) for point in itertools.product((-2.0, -1.0, 0.0, 1.0, 2.0), repeat=3)]
    found = names(grid)
    assert len({name.en for name in found}) == len({name.zh for name in found}) == 125


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(-25, 25)] * 3), min_size=2, max_size=10, unique=True),
    st.randoms(use_true_random=False),
)
def test_names_are_unique_and_do_not_depend_on_order(points, random):
    centers = [[value / 10 for value in point] for point in points]
    found = names(centers)
    assert len({name.en for name in found}) == len({name.zh for name in found}) == len(points)
    order = list(range(len(points)))
    random.shuffle(order)
    assert names([centers[position] for position in order]) == [found[position] for position in order]

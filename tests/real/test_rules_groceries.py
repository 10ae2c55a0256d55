"""One month of a grocer's baskets: the 410 rules that R's arules finds, and the same set by a plain count.

M. Hahsler, K. Hornik, T. Reutterer (2006) published the baskets with arules, whose documentation mines them at
support 0.001 and confidence 0.8.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import combinations

import pandas as pd
import pytest

from ml.recommend.rules.baskets import baskets_of_frame
from ml.recommend.rules.limits import RuleLimits
from ml.recommend.rules.pairs import count_pairs
from ml.recommend.rules.rules import AssociationRules, association_rules
from tests.real.public_data import public_file

pytestmark = pytest.mark.real

LIMITS = RuleLimits(min_support="0.001", min_count=1, min_confidence="0.8", max_items=10)
#: 0.001 of 9,835 baskets are 9.835, so ten of them.
LEAST = 10


@pytest.fixture(scope="module")
def baskets() -> list[list[str]]:
    lines = public_file("groceries/groceries.csv").read_text(encoding="utf-8").splitlines()
    return [line.split(",") for line in lines]


@pytest.fixture(scope="module")
def lines(baskets) -> pd.DataFrame:
    rows = [(number, item) for number, basket in enumerate(baskets) for item in basket]
    return pd.DataFrame(rows, columns=["basket", "item"])


@pytest.fixture(scope="module")
def rules(lines) -> AssociationRules:
    with baskets_of_frame(lines, limits=LIMITS) as coded:
        return association_rules(coded)


@pytest.fixture(scope="module")
def counted(baskets) -> Counter[frozenset[str]]:
    """Level by level (Apriori), basket by basket: a set is counted where all its parts are frequent."""
    counts: Counter[frozenset[str]] = Counter()
    # the frequent sets of the level before in each basket, for the first level nothing but the empty set
    frequent = {frozenset[str]()}
    within = [(frozenset(basket), [frozenset[str]()]) for basket in baskets]
    for size in range(1, LIMITS.max_items + 1):
        candidates = []
        for content, parts in within:
            hopeful = content if size == 1 else frozenset().union(*parts)
            sets = map(frozenset, combinations(sorted(hopeful), size))
            candidates.append([one for one in sets if all(one - {item} in frequent for item in one)])
        level = Counter(one for sets in candidates for one in sets)
        frequent = {items for items, count in level.items() if count >= LEAST}
        counts.update({items: level[items] for items in frequent})
        within = [
            (content, kept)
            for (content, _), sets in zip(within, candidates, strict=True)
            if (kept := [one for one in sets if one in frequent])
        ]
    return counts


def test_410_rules_with_a_greatest_lift_of_11_235(rules):
    assert len(rules.frame) == 410
    assert round(rules.frame["lift"].max(), 3) == 11.235
    assert rules.least == LEAST
    strongest = rules.frame.loc[rules.frame["lift"].idxmax()]
    assert (strongest["antecedent"], strongest["consequent"]) == (["liquor", "red/blush wine"], "bottled beer")
    assert (strongest["n_both"], strongest["n_antecedent"]) == (19, 21)


def test_rules_exactly_at_the_confidence_are_in(rules):
    at_the_edge = rules.frame["n_both"] * 5 == rules.frame["n_antecedent"] * 4
    assert at_the_edge.sum() > 0
    assert (rules.frame["n_both"] * 5 >= rules.frame["n_antecedent"] * 4).all()


def test_they_are_those_of_a_plain_count(rules, counted):
    assert rules.n_sets == len(counted) == 13_492
    expected = {}
    for items, both in counted.items():
        for consequent in items if len(items) > 1 else ():
            antecedent = items - {consequent}
            if Fraction(both, counted[antecedent]) >= Fraction(4, 5):
                expected[antecedent, consequent] = both, counted[antecedent], counted[frozenset({consequent})]
    found = {
        (frozenset(row.antecedent), row.consequent): (row.n_both, row.n_antecedent, row.n_consequent)
        for row in rules.frame.itertuples()
    }
    assert found == expected
    for row in rules.frame.itertuples():
        assert row.lift == pytest.approx(row.n_both * 9835 / (row.n_antecedent * row.n_consequent), rel=1e-12)


def test_pairs_of_the_sql_pass_are_those_of_the_plain_count(lines, counted):
    with baskets_of_frame(lines, limits=LIMITS) as coded:
        pairs = count_pairs(coded).frame
        assert (coded.n_baskets, len(lines), lines["item"].nunique()) == (9_835, 43_367, 169)
    found = {frozenset((row.item, row.other_item)): row.n_both for row in pairs.itertuples()}
    assert found == {items: count for items, count in counted.items() if len(items) == 2}


def test_eighteen_rules_say_no_more_than_a_shorter_one(lines, rules):
    with baskets_of_frame(lines, limits=LIMITS) as coded:
        general = association_rules(coded, drop_redundant=True)
    assert (len(general.frame), general.n_redundant) == (392, 18)


def test_four_of_them_are_more_than_luck(rules):
    # two million rules could have been found, and most of the 410 ride on a shorter one
    assert rules.n_tested == 2_077_144
    sure = rules.frame[rules.frame["p_adjusted"] <= 0.05].sort_values("p_value")
    assert [(*row.antecedent, row.consequent) for row in sure.itertuples()] == [
        ("liquor", "red/blush wine", "bottled beer"),
        ("butter milk", "pork", "other vegetables"),
        ("margarine", "meat", "other vegetables"),
        ("canned fish", "hygiene articles", "whole milk"),
    ]

"""Pairs, sets, rules, partners and next items against counts made the plain way."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.recommend.rules.baskets import baskets_of_frame
from ml.recommend.rules.cross_sell import cross_sell
from ml.recommend.rules.frequent_sets import TooManySets, frequent_sets
from ml.recommend.rules.limits import RuleLimits
from ml.recommend.rules.next_items import next_items
from ml.recommend.rules.pairs import count_pairs
from ml.recommend.rules.rules import association_rules
from tests.ml.recommend.rules.plain_rules import frame_of, is_redundant, plain_rules, plain_sets, productive_p

ITEMS = ["牛奶", "面包", "خبز", "Käse", "a", "A", "10", "9", "🍎"]
BASKETS = st.lists(st.frozensets(st.sampled_from(ITEMS), min_size=1), min_size=1, max_size=40)
CONFIDENCES = st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(4, 5), Fraction(1)])


def found_rules(frame):
    return {
        (tuple(row.antecedent), row.consequent): (row.n_both, row.n_antecedent, row.n_consequent)
        for row in frame.itertuples()
    }


@settings(max_examples=40, deadline=None)
@given(BASKETS, st.integers(1, 5), st.integers(2, 6), CONFIDENCES)
def test_sets_and_rules_are_those_of_a_plain_count(baskets, least, longest, confidence):
    limits = RuleLimits(min_count=least, min_confidence=confidence, max_items=longest)
    plain = plain_sets(baskets, longest)
    expected = plain_rules(plain, least, confidence)
    with baskets_of_frame(frame_of(baskets), limits=limits) as coded:
        sets = frequent_sets(coded)
        counted = {
            tuple(sorted(coded.items[row])): count
            for codes, counts in zip(sets.codes, sets.counts, strict=True)
            for row, count in zip(codes, counts, strict=True)
        }
        everything = association_rules(coded)
        general = association_rules(coded, drop_redundant=True)
    assert counted == {items: count for items, count in plain.items() if count >= least}
    assert sets.total == len(counted)
    assert found_rules(everything.frame) == expected
    for row in everything.frame.itertuples():
        p = productive_p((tuple(row.antecedent), row.consequent), plain, len(baskets))
        assert row.p_value == pytest.approx(p, rel=1e-9)
    redundant = {rule for rule in expected if is_redundant(rule, plain, len(baskets))}
    assert set(found_rules(general.frame)) == set(expected) - redundant
    assert general.n_redundant == len(redundant)
    frequent = [items for items, count in plain.items() if count >= least and len(items) < longest]
    singles = sum(len(items) == 1 for items in frequent)
    assert everything.n_tested == sum(singles - len(items) for items in frequent)


@settings(max_examples=25, deadline=None)
@given(BASKETS, st.integers(1, 4))
def test_pairs_are_those_of_a_plain_count(baskets, least):
    plain = plain_sets(baskets, 2)
    with baskets_of_frame(frame_of(baskets), limits=RuleLimits(min_count=least)) as coded:
        pairs = count_pairs(coded)
    frame = pairs.frame
    assert {tuple(sorted((row.item, row.other_item))): row.n_both for row in frame.itertuples()} == {
        items: count for items, count in plain.items() if len(items) == 2 and count >= least
    }
    n = len(baskets)
    for row in frame.itertuples():
        assert (row.n_item, row.n_other, row.n_baskets) == (plain[(row.item,)], plain[(row.other_item,)], n)
        lift = Fraction(row.n_both * n, row.n_item * row.n_other)
        assert row.lift == pytest.approx(float(lift), rel=1e-12)
        assert row.leverage == pytest.approx(
            float(Fraction(row.n_both, n) - Fraction(row.n_item * row.n_other, n * n)), abs=1e-15
        )
        assert row.support == row.n_both / n
    singles = sum(len(items) == 1 and count >= least for items, count in plain.items())
    assert pairs.n_tested == singles * (singles - 1) // 2


@settings(max_examples=25, deadline=None)
@given(BASKETS, BASKETS, st.integers(1, 4), CONFIDENCES)
def test_next_items_are_those_of_a_plain_search(learned, served, k, confidence):
    with baskets_of_frame(frame_of(learned), limits=RuleLimits(min_count=1, min_confidence=confidence)) as coded:
        rules = association_rules(coded).frame
    found = next_items(rules, frame_of(served), k)
    for number, basket in enumerate(served):
        best = {}
        for rule in rules.itertuples():
            if basket.issuperset(rule.antecedent) and rule.consequent not in basket:
                key = (-rule.confidence, -rule.n_both, len(rule.antecedent), rule.antecedent)
                best[rule.consequent] = min(best.get(rule.consequent, (key, rule)), (key, rule), key=lambda one: one[0])
        ranked = sorted(best.values(), key=lambda one: (*one[0][:2], -one[1].lift, one[1].consequent))[:k]
        rows = found[found["basket"] == str(number)]
        assert list(rows["rank"]) == list(range(1, len(ranked) + 1))
        assert list(rows["item"]) == [rule.consequent for _, rule in ranked]
        assert list(rows["because"]) == [rule.antecedent for _, rule in ranked]
        assert list(rows["confidence"]) == [rule.confidence for _, rule in ranked]


@settings(max_examples=10, deadline=None)
@given(BASKETS, st.randoms())
def test_the_order_of_lines_and_repeated_lines_change_nothing(baskets, random):
    lines = frame_of(baskets)
    shuffled = lines.sample(frac=1, random_state=random.randint(0, 10**6))
    results = []
    for given_lines in (lines, pd.concat([shuffled, shuffled.head(7)])):
        with baskets_of_frame(given_lines, limits=RuleLimits(min_count=1)) as coded:
            results.append((count_pairs(coded).frame, association_rules(coded).frame))
    pd.testing.assert_frame_equal(results[0][0], results[1][0])
    pd.testing.assert_frame_equal(results[0][1], results[1][1])


def test_a_rule_is_redundant_where_nothing_at_all_leads_there_as_surely():
    # z is in 86 % of baskets, in half of those with a, half of those with b, and six of ten with both
    baskets = [*["z"] * 61, *["az"] * 2, *["a"] * 4, *["bz"] * 2, *["b"] * 4, *["abz"] * 6, *["ab"] * 4]
    sure = [frozenset(basket) for basket in baskets]
    with baskets_of_frame(frame_of(sure), limits=RuleLimits(min_count=1)) as coded:
        rules = {generality: association_rules(coded, drop_redundant=generality).frame for generality in (False, True)}
    with_both = (("a", "b"), "z")
    assert found_rules(rules[False])[with_both] == (6, 10, 71)
    assert [found_rules(rules[False])[(item,), "z"][:2] for item in "ab"] == [(8, 16), (8, 16)]
    assert with_both not in found_rules(rules[True])


def test_baskets_are_matched_in_blocks(monkeypatch):
    baskets = planted(n=600)
    with baskets_of_frame(frame_of(baskets), limits=RuleLimits(min_count=2)) as coded:
        rules = association_rules(coded).frame
    served = frame_of(baskets[:50])
    at_once = next_items(rules, served, 3)
    monkeypatch.setattr("ml.recommend.rules.next_items._BLOCK", 7)
    in_blocks = next_items(rules, served, 3)
    assert at_once["basket"].nunique() > 30
    pd.testing.assert_frame_equal(at_once, in_blocks)


def planted(seed: int = 5, n: int = 4_000) -> list[frozenset[str]]:
    """Sixty items bought independently, and six pairs (p0, q0) … whose halves go together."""
    generator = np.random.default_rng(seed)
    chance = 0.2 / np.arange(1, 61) ** 0.7
    bought = generator.random((n, 60)) < chance
    baskets = [{f"i{item}" for item in np.flatnonzero(row)} for row in bought]
    for pair in range(6):
        for number in np.flatnonzero(generator.random(n) < 0.01):
            baskets[number] |= {f"p{pair}", f"q{pair}"}
        for half in "pq":
            for number in np.flatnonzero(generator.random(n) < 0.01):
                baskets[number].add(f"{half}{pair}")
    return [frozenset(basket) for basket in baskets]


def test_what_was_planted_is_found_and_luck_is_not():
    with baskets_of_frame(frame_of(planted()), limits=RuleLimits(min_count=3)) as coded:
        pairs = count_pairs(coded)
        rules = association_rules(coded, drop_redundant=True, most_false=0.05)
    planted_pairs = {frozenset((f"p{pair}", f"q{pair}")) for pair in range(6)}
    sure = pairs.frame[pairs.frame["p_adjusted"] <= 0.05]
    assert {frozenset(pair) for pair in zip(sure["item"], sure["other_item"], strict=True)} == planted_pairs
    # without the correction, luck is taken for a rule
    assert (pairs.frame["p_value"] <= 0.05).sum() > 3 * len(planted_pairs)
    partners = cross_sell(pairs, 3)
    assert {frozenset(pair) for pair in zip(partners["item"], partners["partner"], strict=True)} == planted_pairs
    assert len(partners) == 12 and (partners["rank"] == 1).all()
    # and no longer rule, although with p0 in it every one of them leads to q0
    assert {(*row.antecedent, row.consequent) for row in rules.frame.itertuples()} == {
        order for pair in range(6) for order in ((f"p{pair}", f"q{pair}"), (f"q{pair}", f"p{pair}"))
    }
    assert rules.n_insignificant > 0


def test_a_longer_rule_stands_where_each_item_adds_to_the_other():
    generator = np.random.default_rng(4)
    bought = generator.random((3_000, 2)) < 0.2
    both = bought.all(axis=1)
    # the third goes with the two together only
    third = generator.random(3_000) < np.where(both, 0.7, 0.1)
    baskets = [
        [name for name, is_in in zip(("salt", "lime", "tequila"), row, strict=True) if is_in]
        for row in np.column_stack([bought, third])
    ]
    with baskets_of_frame(frame_of(baskets)) as coded:
        rules = association_rules(coded, drop_redundant=True, most_false=0.01).frame
    assert (["lime", "salt"], "tequila") in list(zip(rules["antecedent"], rules["consequent"], strict=True))


def test_independent_shops_hardly_ever_see_a_pair():
    generator = np.random.default_rng(8)
    shops_with_a_discovery = 0
    for _ in range(40):
        bought = generator.random((400, 25)) < 0.08
        baskets = [np.flatnonzero(row) for row in bought]
        with baskets_of_frame(frame_of(baskets), limits=RuleLimits(min_count=2)) as coded:
            shops_with_a_discovery += bool((count_pairs(coded).frame["p_adjusted"] <= 0.05).any())
    # at a false discovery rate of 5 % two are expected; six or more have a chance of 1.4 %
    assert shops_with_a_discovery <= 5


def test_rankings_of_partners():
    baskets = [*[{"x", "usual"}] * 30, *[{"x", "rare"}] * 6, *[{"usual"}] * 40, *[{"z"}] * 200, {"x"}, {"rare"}]
    with baskets_of_frame(frame_of(baskets), limits=RuleLimits(min_count=2)) as coded:
        pairs = count_pairs(coded)
    of_x = {by: list(cross_sell(pairs, 5, by=by).query("item == 'x'")["partner"]) for by in ("leverage", "lift")}
    assert of_x == {"leverage": ["usual", "rare"], "lift": ["rare", "usual"]}
    first = cross_sell(pairs, 1)
    assert dict(zip(first["item"], first["partner"], strict=True)) == {"rare": "x", "usual": "x", "x": "usual"}
    row = first[first["item"] == "x"].iloc[0]
    assert (row["n_both"], row["n_item"], row["n_partner"]) == (30, 37, 70)
    assert row["confidence"] == 30 / 37
    on_sale = cross_sell(pairs, 1, offered=["rare"])
    assert list(zip(on_sale["item"], on_sale["partner"], strict=True)) == [("x", "rare")]
    with pytest.raises(ValueError, match="by: expected one of leverage"):
        cross_sell(pairs, by="luck")
    with pytest.raises(ValueError, match="k: expected at least 1"):
        cross_sell(pairs, 0)


def test_too_many_sets_raises_the_least_count_until_they_fit():
    baskets = [frozenset(combination) for combination in combinations("abcdefgh", 5)]
    # items too rare for the count that is settled on, and first in the order of the search
    baskets += [frozenset({"x", "y"})] * 3
    limits = RuleLimits(min_count=1, max_items=5, most_sets=100)
    with baskets_of_frame(frame_of(baskets), limits=limits) as coded:
        with pytest.raises(TooManySets, match="expected at most 100, found more with at least 1"):
            frequent_sets(coded)
        rules = association_rules(coded)
    # sets of 1, 2 and 3 of 8 items are in 35, 20 and 10 of 56 baskets, those of 4 in 4: 92 sets from 8 on
    assert (rules.least, rules.n_sets) == (8, 92)
    assert set(rules.frame["n_both"]) == {20, 10}
    assert rules.n_tested == 8 * 7 + 28 * 6 + 56 * 5
    assert found_rules(rules.frame) == plain_rules(plain_sets(baskets, 5), 8, Fraction(0))


def test_more_items_than_fit_into_a_word_of_bits():
    # an item in 200 baskets: its partners' bits take four words
    generator = np.random.default_rng(2)
    baskets = [frozenset({"all", *(f"i{i}" for i in np.flatnonzero(row))}) for row in generator.random((200, 7)) < 0.4]
    plain = plain_sets(baskets, 4)
    with baskets_of_frame(frame_of(baskets), limits=RuleLimits(min_count=5, max_items=4)) as coded:
        rules = association_rules(coded).frame
    assert found_rules(rules) == plain_rules(plain, 5, Fraction(0))

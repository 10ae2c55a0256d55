"""Association rules counted the plain way, to compare with: Python sets, fractions, no pruning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from itertools import combinations

import pandas as pd
from scipy.stats import fisher_exact

Basket = frozenset[str]
#: Antecedent and consequent -> baskets with both, with the antecedent, with the consequent.
Rules = dict[tuple[tuple[str, ...], str], tuple[int, int, int]]


def frame_of(baskets: Iterable[Iterable[object]]) -> pd.DataFrame:
    """Rows (basket, item) of baskets numbered from 0."""
    rows = [(number, item) for number, basket in enumerate(baskets) for item in basket]
    return pd.DataFrame(rows, columns=["basket", "item"]).astype(object)


def plain_sets(baskets: list[Basket], longest: int) -> Counter[tuple[str, ...]]:
    """Every set of up to ``longest`` items of any basket, with the number of baskets that hold it."""
    counts: Counter[tuple[str, ...]] = Counter()
    for basket in baskets:
        for size in range(1, longest + 1):
            counts.update(combinations(sorted(basket), size))
    return counts


def plain_rules(sets: Counter[tuple[str, ...]], least: int, confidence: Fraction) -> Rules:
    """Rules of at least ``least`` baskets and that confidence, one item on the right."""
    rules: Rules = {}
    for items, both in sets.items():
        for consequent in items if len(items) > 1 and both >= least else ():
            antecedent = tuple(item for item in items if item != consequent)
            if Fraction(both, sets[antecedent]) >= confidence:
                rules[antecedent, consequent] = both, sets[antecedent], sets[(consequent,)]
    return rules


def is_redundant(rule: tuple[tuple[str, ...], str], sets: Counter[tuple[str, ...]], n_baskets: int) -> bool:
    """Whether some part of the antecedent, or nothing at all, leads to the consequent at least as surely."""
    antecedent, consequent = rule

    def confidence(part: tuple[str, ...]) -> Fraction:
        whole = tuple(sorted((*part, consequent)))
        return Fraction(sets[whole], sets[part] if part else n_baskets)

    own = confidence(antecedent)
    return any(confidence(part) >= own for size in range(len(antecedent)) for part in combinations(antecedent, size))


def productive_p(rule: tuple[tuple[str, ...], str], sets: Counter[tuple[str, ...]], n_baskets: int) -> float:
    """Fisher's p of each item of the antecedent, tested where the others are: the greatest of them."""
    antecedent, consequent = rule
    both, with_all = sets[tuple(sorted((*antecedent, consequent)))], sets[antecedent]
    greatest = 0.0
    for tested in antecedent:
        others = tuple(item for item in antecedent if item != tested)
        among = sets[others] if others else n_baskets
        bought = sets[tuple(sorted((*others, consequent)))]
        table = [[both, with_all - both], [bought - both, among - with_all - bought + both]]
        greatest = max(greatest, fisher_exact(table, alternative="greater").pvalue)
    return greatest

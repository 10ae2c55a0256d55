"""From frequent sets to rules "who buys these also buys that", with one item on the right.

Every subset of a frequent set is frequent, so all counts that a rule needs are there: of each set of size k the
consequent is each item in turn, and the antecedent is the set without it. Measures as in R. Agrawal, T. Imielinski,
A. Swami, "Mining association rules between sets of items in large databases" (SIGMOD 1993), lift and leverage as in
G. Piatetsky-Shapiro (1991) and S. Brin et al. (SIGMOD 1997).

The p-value is that of a *productive* rule (G. I. Webb, "Discovering significant patterns", Machine Learning 68, 2007):
each item of the antecedent must add to the others. Where butter goes with bread, butter and anything goes with bread,
and against "butter, salt and bread have nothing to do with each other" every such rule looks sure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.evaluation.intervals import Floats
from ml.recommend.rules.baskets import Baskets
from ml.recommend.rules.frequent_sets import Codes, Counts, Eclat, FrequentSets, TooManySets
from ml.recommend.rules.significance import adjusted_p, fisher_greater, lift_interval

#: Columns of :attr:`AssociationRules.frame`.
RULE_COLUMNS = (
    "antecedent",
    "consequent",
    "n_both",
    "n_antecedent",
    "n_consequent",
    "n_baskets",
    "support",
    "confidence",
    "lift",
    "lift_low",
    "lift_high",
    "leverage",
    "p_value",
    "p_adjusted",
)

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class AssociationRules:
    """Rules that met the limits, and how many there were on the way.

    ``frame`` has ``RULE_COLUMNS``, ``antecedent`` a sorted list of item ids, and is sorted by confidence, then lift
    (greatest first), then shortest antecedent, antecedent and consequent. ``n_tested`` counts the rules that could
    have been found (a frequent antecedent and a frequent item not in it), which ``p_adjusted`` allows for;
    ``n_redundant`` and ``n_insignificant`` those left out for that reason, in this order. A ``p_value`` is small where
    every item of the antecedent adds something. ``least`` is the fewest
    baskets a rule is in: more than the limits say where :func:`association_rules` had to raise it.
    """

    frame: pd.DataFrame
    n_sets: int
    n_tested: int
    n_redundant: int
    n_insignificant: int
    least: int


@dataclass(frozen=True)
class _Level:
    """Rules from the sets of one size, shape ``(sets, size)``: position j has item j as its consequent."""

    codes: Codes
    both: Counts
    antecedent: Counts
    consequent: Counts
    p_value: Floats
    redundant: Bools


def association_rules(
    baskets: Baskets, *, drop_redundant: bool = False, most_false: float | None = None
) -> AssociationRules:
    """Rules of at least ``least`` baskets and ``min_confidence``.

    Parameters
    ----------
    drop_redundant : leave out a rule where a more general one (some of its antecedent's items, or none: the
        consequent's own share) has at least its confidence; the longer rule then says nothing new.
    most_false : leave out rules whose ``p_adjusted`` is above it: the share of false ones that is put up with.

    Where more sets are frequent than ``limits.most_sets``, the least number of baskets is doubled until they are
    not, which ``least`` of the result says: a shop gets its strongest rules rather than none.
    """
    search, least = Eclat(baskets), baskets.least
    while True:
        try:
            sets = search.search(least)
            break
        except TooManySets:
            least *= 2
    return rules_of_sets(replace(baskets, least=least), sets, drop_redundant=drop_redundant, most_false=most_false)


def rules_of_sets(
    baskets: Baskets, sets: FrequentSets, *, drop_redundant: bool = False, most_false: float | None = None
) -> AssociationRules:
    """:func:`association_rules` from sets that were found already."""
    levels = _levels(sets, baskets.n_baskets)
    n_frequent = len(sets.counts[0])
    n_tested = sum(len(counts) * (n_frequent - size) for size, counts in enumerate(sets.counts[:-1], start=1))
    # corrected before any rule is left out: those that the limits hide were looked at, too
    p = [level.p_value.ravel() for level in levels]
    adjusted = np.split(adjusted_p(np.concatenate(p), n_tested), np.cumsum([len(part) for part in p])[:-1])
    frames, n_redundant, n_insignificant = [], 0, 0
    for level, flat in zip(levels, adjusted, strict=True):
        p_adjusted = flat.reshape(level.both.shape)
        kept = _confident(level, baskets.limits.confidence)
        if drop_redundant:
            n_redundant += int((kept & level.redundant).sum())
            kept &= ~level.redundant
        if most_false is not None:
            doubtful = p_adjusted > most_false
            n_insignificant += int((kept & doubtful).sum())
            kept &= ~doubtful
        frames.append(_frame(baskets, level, kept, p_adjusted))
    frame = _sorted(pd.concat(frames, ignore_index=True))
    return AssociationRules(frame, sets.total, n_tested, n_redundant, n_insignificant, baskets.least)


def _levels(sets: FrequentSets, n_baskets: int) -> list[_Level]:
    """The rules of all sets of two items and more, smallest first."""
    levels: list[_Level] = []
    n_items = len(sets.counts[0])
    # frequent items have the greatest numbers, so that counted from their first they are row numbers
    first = int(sets.codes[0][0, 0]) if n_items else 0
    keys: list[npt.NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    # highest confidence of the rule and all more general ones, as numerators and denominators
    best = sets.counts[0][:, None], np.full((len(sets.counts[0]), 1), n_baskets, dtype=np.int64)
    for size in range(2, len(sets.codes) + 1):
        codes, both = sets.codes[size - 1] - first, np.repeat(sets.counts[size - 1][:, None], size, axis=1)
        keys.append(_number(codes[:, :-1], keys, n_items) * n_items + codes[:, -1])
        without = np.column_stack([_number(np.delete(codes, j, axis=1), keys, n_items) for j in range(size)])
        antecedent = sets.counts[size - 2][without]
        general = _best_general(without, best)
        redundant = both * general[1] <= general[0] * antecedent
        p_value = _productive_p(without, both, antecedent, sets, levels, n_baskets)
        levels.append(_Level(codes + first, both, antecedent, sets.counts[0][codes], p_value, redundant))
        best = np.where(redundant, general[0], both), np.where(redundant, general[1], antecedent)
    return levels


def _number(codes: Codes, keys: list[npt.NDArray[np.int64]], n_items: int) -> npt.NDArray[np.int64]:
    """Row number of each set (a row of ``codes``) among the frequent sets of its size.

    ``keys[k]`` holds for each set of size k + 1 the number of its first k items times ``n_items`` plus the last.
    """
    number = codes[:, 0].astype(np.int64)
    for k in range(1, codes.shape[1]):
        number = np.searchsorted(keys[k], number * n_items + codes[:, k])
    return number


def _best_general(without: npt.NDArray[np.int64], best: tuple[Counts, Counts]) -> tuple[Counts, Counts]:
    """For each rule the highest confidence among those with a smaller antecedent, as a fraction of integers.

    ``without`` (shape ``(sets, size)``) numbers the subsets, ``best`` (shape ``(subsets, size - 1)``) has theirs.
    """
    size = without.shape[1]
    if size == 2:
        # an antecedent of one item: only the consequent's share of all baskets is more general
        general = without[:, ::-1]
        return best[0][general, 0], best[1][general, 0]
    numerators, denominators = np.zeros(without.shape, dtype=np.int64), np.ones(without.shape, dtype=np.int64)
    for j in range(size):
        for dropped in (i for i in range(size) if i != j):
            subset, place = without[:, dropped], j if j < dropped else j - 1
            numerator, denominator = best[0][subset, place], best[1][subset, place]
            higher = numerator * denominators[:, j] > numerators[:, j] * denominator
            numerators[higher, j], denominators[higher, j] = numerator[higher], denominator[higher]
    return numerators, denominators


def _productive_p(
    without: npt.NDArray[np.int64],
    both: Counts,
    antecedent: Counts,
    sets: FrequentSets,
    smaller: list[_Level],
    n_baskets: int,
) -> Floats:
    """For each rule the greatest p-value of its antecedent's items, each tested in the baskets with all the others.

    ``without`` and ``both``, ``antecedent`` (shape ``(sets, size)``) as in :func:`_levels`.
    """
    size = without.shape[1]
    p = np.zeros(without.shape)
    for j in range(size):
        for tested in (i for i in range(size) if i != j):
            others = without[:, tested]
            # baskets with the other items of the antecedent, and those of them with the consequent
            among = smaller[-1].antecedent[others, j if j < tested else j - 1] if smaller else n_baskets
            right = sets.counts[size - 2][others]
            p[:, j] = np.maximum(p[:, j], fisher_greater(both[:, j], antecedent[:, j], right, among))
    return p


def _confident(level: _Level, confidence: Fraction) -> Bools:
    enough: Bools = level.both * confidence.denominator >= level.antecedent * confidence.numerator
    return enough


def _frame(baskets: Baskets, level: _Level, kept: Bools, p_adjusted: Floats) -> pd.DataFrame:
    sets, place = np.nonzero(kept)
    size = level.codes.shape[1]
    codes = level.codes[sets]
    by_id = np.argsort(np.argsort(baskets.items, kind="stable"), kind="stable") if len(baskets.items) else codes[:0, 0]
    others = codes[np.arange(size) != place[:, None]].reshape(len(codes), size - 1)
    others = np.take_along_axis(others, np.argsort(by_id[others], axis=1), axis=1)
    both, antecedent, consequent = (counts[kept] for counts in (level.both, level.antecedent, level.consequent))
    n = baskets.n_baskets
    low, high = lift_interval(both, antecedent, consequent, n)
    antecedents = np.empty(len(codes), dtype=object)
    antecedents[:] = baskets.items[others].tolist()
    columns = {
        "antecedent": antecedents,
        "consequent": baskets.items[codes[np.arange(len(codes)), place]],
        "n_both": both,
        "n_antecedent": antecedent,
        "n_consequent": consequent,
        "n_baskets": np.full(len(codes), n, dtype=np.int64),
        "support": both / n if n else np.empty(0),
        "confidence": both / antecedent,
        "lift": both * n / (antecedent * consequent),
        "lift_low": low,
        "lift_high": high,
        "leverage": (both - antecedent * consequent / n) / n if n else np.empty(0),
        "p_value": level.p_value[kept],
        "p_adjusted": p_adjusted[kept],
    }
    return pd.DataFrame(columns, columns=list(RULE_COLUMNS)).astype({"consequent": object})


def _sorted(rules: pd.DataFrame) -> pd.DataFrame:
    keys = rules.assign(size=rules["antecedent"].str.len(), key=rules["antecedent"].map(tuple))
    order = keys.sort_values(
        ["confidence", "lift", "size", "key", "consequent"], ascending=[False, False, True, True, True], kind="stable"
    )
    return rules.loc[order.index].reset_index(drop=True)

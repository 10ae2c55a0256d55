"""Thresholds of association rules, compared without floats.

A support of 0.001 of 9,835 baskets is at least 10 of them, and 8 of 10 is a confidence of 0.8. Floats lose such
ties: 0.001 * 9835 and 8 / 10 are not the numbers they are written as, and rules at the edge come and go. So
thresholds are fractions, as written, and what is compared are integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

#: A threshold: ``0.001``, ``"0.001"``, ``Fraction(1, 1000)``. A float means the decimal number it prints as.
Share = int | float | str | Fraction

#: Numerators and denominators are multiplied by counts in 64 bits: 10^9 x 9 x 10^9 baskets fit.
_FINEST = 10**9


@dataclass(frozen=True)
class RuleLimits:
    """What makes a set of items worth counting, and a rule worth keeping.

    Parameters
    ----------
    min_support : least share of all baskets that hold all items of a set.
    min_count : and least number of baskets, whatever the share: luck looks convincing in two baskets.
    min_confidence : least share of the antecedent's baskets that also hold the consequent.
    max_items : most items of a set, so of antecedent and consequent together.
    max_basket_items : baskets with more distinct items are left out of everything, supports and totals included:
        who buys hundreds of things (a reseller, a robot) says little of what goes together, and costs the square.
    most_sets : frequent sets that are held at most, see :class:`ml.recommend.rules.frequent_sets.TooManySets`.

    Raises ``ValueError`` for a threshold outside its range, or a share finer than a billionth.
    """

    min_support: Share = 0
    min_count: int = 3
    min_confidence: Share = 0
    max_items: int = 3
    max_basket_items: int = 100
    most_sets: int = 200_000

    def __post_init__(self) -> None:
        for name in ("min_support", "min_confidence"):
            fraction(name, getattr(self, name))
        for name, least in (("min_count", 1), ("max_items", 2), ("max_basket_items", 2), ("most_sets", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected at least {least}, got {getattr(self, name)}")

    def least_baskets(self, n_baskets: int) -> int:
        """Baskets that a set needs among ``n_baskets``: the smallest integer that meets both minimums."""
        support = fraction("min_support", self.min_support)
        return max(self.min_count, -(-support.numerator * n_baskets // support.denominator))

    @property
    def confidence(self) -> Fraction:
        """``min_confidence`` as an exact fraction."""
        return fraction("min_confidence", self.min_confidence)


def fraction(name: str, share: Share) -> Fraction:
    """``share`` as the exact fraction it is written as; ``name`` is for the error.

    Raises ``ValueError`` unless it is a number from 0 to 1 with a denominator of at most a billion.
    """
    try:
        exact = Fraction(str(share))
    except ValueError:
        raise ValueError(f"{name}: expected a number from 0 to 1, got {share!r}") from None
    if not 0 <= exact <= 1:
        raise ValueError(f"{name}: expected a number from 0 to 1, got {share!r}")
    if exact.denominator > _FINEST:
        raise ValueError(f"{name}: expected at most nine decimals (or a Fraction such as 1/3), got {share!r}")
    return exact

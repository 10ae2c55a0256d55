"""How sure it is that two things are bought together: Fisher's exact test, its correction, an interval on lift.

Thousands of pairs are looked at, so some look strong by luck; a shop should act on those that would hardly occur
if nothing went together. Sources: R. A. Fisher, *Statistical Methods for Research Workers* (5th ed. 1934), 21.02;
Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995); for rules, G. I. Webb,
"Discovering significant patterns", Machine Learning 68 (2007), who counts all rules that could have been found.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv, gammaln

from ml.evaluation.intervals import Floats

Counts = npt.NDArray[np.int64]

#: Terms of a tail are added until one no longer changes the sum.
_NEGLIGIBLE = 1e-17
#: Each tail of an interval of 95 %.
_TAIL = 0.025


def fisher_greater(n_both: npt.ArrayLike, n_left: npt.ArrayLike, n_right: npt.ArrayLike, n: npt.ArrayLike) -> Floats:
    """One-sided p-values of shape ``(tests,)``: the chance of ``n_both`` baskets or more with both sides, had the
    ``n_left`` and ``n_right`` baskets been drawn from the ``n`` (one number, or one per test) independently.

    The hypergeometric tail is summed from its greatest term outwards, for all tests at once.
    """
    both, left, right = (np.asarray(counts, dtype=np.float64).ravel() for counts in (n_both, n_left, n_right))
    total = np.broadcast_to(np.asarray(n, dtype=np.float64).ravel(), both.shape)
    # at the lowest count that the sides allow, the chance is 1
    p = np.ones(len(both))
    above = both * (total + 2) > (left + 1) * (right + 1)
    p[above] = _tail(both[above], left[above], right[above], total[above], upwards=True)
    # below the mode the other tail is the short one: P(X >= x) = 1 - P(X <= x - 1)
    below = ~above & (both > np.maximum(0, left + right - total))
    p[below] = 1 - _tail(both[below] - 1, left[below], right[below], total[below], upwards=False)
    return np.clip(p, 0.0, 1.0)


def adjusted_p(p: npt.ArrayLike, n_tested: int) -> Floats:
    """Benjamini-Hochberg: the false discovery rate at which each of ``p`` (shape ``(found,)``) would be taken.

    ``n_tested`` counts all tests that could have been found; those not in ``p`` count as p = 1, which errs towards
    fewer discoveries. Raises ``ValueError`` where ``n_tested`` is less than the number of ``p``.
    """
    values = np.asarray(p, dtype=np.float64)
    if n_tested < len(values):
        raise ValueError(f"n_tested: expected at least the {len(values)} tests given, got {n_tested}")
    order = np.argsort(values, kind="stable")
    stepped = values[order] * (n_tested / np.arange(1, len(values) + 1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return adjusted


def lift_interval(
    n_both: npt.ArrayLike, n_left: npt.ArrayLike, n_right: npt.ArrayLike, n: int
) -> tuple[Floats, Floats]:
    """95 % interval of lift, ``(low, high)`` of shape ``(tests,)``, for ``n_both`` of at least 1.

    The baskets in common are taken as a Poisson count (F. Garwood, "Fiducial limits for the Poisson distribution",
    Biometrika 28, 1936), the sides as known, and the upper end is at most the greatest lift that the sides allow.
    It errs towards being wide: with both sides uncertain, too, the variance of log(lift) is 1/n_both - 1/n_left -
    1/n_right + (2 lift - 1)/n, which is never more than the 1/n_both of a Poisson count. That formula itself will
    not do: it gives ten baskets of ten an interval of a few percent.
    """
    both, left, right = (np.asarray(counts, dtype=np.float64).ravel() for counts in (n_both, n_left, n_right))
    by_chance = left * right / n if n else np.empty(0)
    low, high = gammaincinv(both, _TAIL), gammaincinv(both + 1, 1 - _TAIL)
    return low / by_chance, np.minimum(high, np.minimum(left, right)) / by_chance


def _tail(x: Floats, left: Floats, right: Floats, n: Floats, *, upwards: bool) -> Floats:
    """P(X >= x), or P(X <= x): x lies on its side of the mode, so terms only shrink."""
    term = np.exp(_log_choose(left, x) + _log_choose(n - left, right - x) - _log_choose(n, right))
    total = term.copy()
    at = x.copy()
    going = np.arange(len(x))
    while len(going):
        k, a, b, rest = at[going], left[going], right[going], (n - left - right)[going]
        if upwards:
            ratio = (a - k) * (b - k) / ((k + 1) * (rest + k + 1))
            at[going] = k + 1
        else:
            ratio = k * (rest + k) / ((a - k + 1) * (b - k + 1))
            at[going] = k - 1
        term[going] *= ratio
        total[going] += term[going]
        going = going[term[going] > _NEGLIGIBLE * total[going]]
    return total


def _log_choose(n: Floats, k: Floats) -> Floats:
    logarithm: Floats = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return logarithm

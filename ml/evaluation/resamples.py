"""Bootstrap resamples as weights, so that a measure sorts its scores once and not once a resample.

A resample that draws a row three times gives it the weight 3. Measures of two models under the same
weights can be subtracted, which is how models are compared (:func:`gain`).

Source: B. Efron and R. Tibshirani, *An Introduction to the Bootstrap* (1993), chapters 8 and 13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from ml.evaluation.intervals import Estimate, Floats, percentile_interval

#: A measure of prepared data under row weights (shape ``(n,)``); NaN where it is not defined.
Measure = Callable[[Floats], float]


def bootstrap_weights(
    n: int, *, n_resamples: int, random_state: int, groups: npt.ArrayLike | None = None
) -> Iterator[Floats]:
    """Row weights of ``n_resamples`` resamples, each of shape ``(n,)``.

    With ``groups`` (shape ``(n,)``) whole groups are drawn: rows of one customer at several dates are not
    independent, and stay together.
    """
    generator = np.random.default_rng(random_state)
    if groups is None:
        for _ in range(n_resamples):
            yield np.bincount(generator.integers(0, n, n), minlength=n).astype(float)
        return
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    size = int(member.max()) + 1
    for _ in range(n_resamples):
        yield np.bincount(generator.integers(0, size, size), minlength=size).astype(float)[member]


def estimates(
    measures: Mapping[str, Measure],
    n: int,
    *,
    n_resamples: int = 500,
    level: float = 0.95,
    random_state: int = 42,
    groups: npt.ArrayLike | None = None,
) -> dict[str, Estimate | None]:
    """Each measure on all rows with its percentile interval, all of them on the same resamples.

    ``None`` where a measure is not defined on the data. Resamples on which it is not (a single class was
    drawn) are left out of its interval.
    """
    if n == 0:
        return dict.fromkeys(measures)
    whole = {name: measure(np.ones(n)) for name, measure in measures.items()}
    defined = {name: measure for name, measure in measures.items() if np.isfinite(whole[name])}
    draws: dict[str, list[float]] = {name: [] for name in defined}
    for weights in bootstrap_weights(n, n_resamples=n_resamples, random_state=random_state, groups=groups):
        for name, measure in defined.items():
            draws[name].append(measure(weights))
    found: dict[str, Estimate | None] = {}
    for name in measures:
        usable = [draw for draw in draws.get(name, []) if np.isfinite(draw)]
        if name not in defined:
            found[name] = None
        elif usable:
            low, high = percentile_interval(usable, level)
            # A skewed measure may lie outside of its own percentiles; an interval that leaves it out misleads.
            found[name] = Estimate(whole[name], min(low, whole[name]), max(high, whole[name]), n)
        else:
            found[name] = Estimate(whole[name], whole[name], whole[name], n)
    return found


def gain(
    challenger: Measure,
    champion: Measure,
    n: int,
    *,
    higher_is_better: bool,
    n_resamples: int = 1000,
    level: float = 0.95,
    random_state: int = 42,
    groups: npt.ArrayLike | None = None,
) -> Estimate | None:
    """How much better ``challenger`` is than ``champion`` on the same rows; positive is better.

    The interval is of the paired difference, which is far narrower than the two intervals suggest: both
    models find the same customers easy. ``None`` where either is not defined.
    """
    sign = 1.0 if higher_is_better else -1.0

    def difference(weights: Floats) -> float:
        return sign * (challenger(weights) - champion(weights))

    return estimates(
        {"gain": difference}, n, n_resamples=n_resamples, level=level, random_state=random_state, groups=groups
    )["gain"]

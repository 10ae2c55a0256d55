"""Intervals around a measured figure, by the percentile bootstrap.

Source: B. Efron and R. Tibshirani, *An Introduction to the Bootstrap* (1993), chapter 13.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Estimate(NamedTuple):
    """A figure, its interval, and the number of observations (customers, resamples …) behind it."""

    value: float
    low: float
    high: float
    n: int


def percentile_interval(draws: npt.ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """The central ``level`` part of ``draws`` (shape ``(n,)``), as ``(low, high)``.

    Raises ``ValueError`` where there are no draws or ``level`` is not strictly between 0 and 1.
    """
    values = np.asarray(draws, dtype=float)
    if not 0 < level < 1:
        raise ValueError(f"level: expected a number between 0 and 1, got {level}")
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"draws: expected a non-empty list of numbers, got shape {values.shape}")
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def bootstrap_interval(
    values: npt.ArrayLike,
    statistic: Callable[[Floats], float] | None = None,
    *,
    n_resamples: int = 1000,
    level: float = 0.95,
    random_state: int = 42,
) -> Estimate:
    """``statistic`` of ``values`` (the mean unless told) with its percentile bootstrap interval.

    Parameters
    ----------
    values : shape ``(n,)`` or ``(n, columns)``; rows are drawn together, so that a metric of pairs
        (label, score) can be given as two columns.
    statistic : maps such an array to one number.

    Raises ``ValueError`` where there are no values.
    """
    data = np.asarray(values, dtype=float)
    if len(data) == 0:
        raise ValueError("values: expected at least one observation, got none")
    measure = statistic or (lambda part: float(part.mean()))
    generator = np.random.default_rng(random_state)
    n = len(data)
    draws = [measure(data[generator.integers(0, n, n)]) for _ in range(n_resamples)]
    low, high = percentile_interval(draws, level)
    return Estimate(float(measure(data)), low, high, n)

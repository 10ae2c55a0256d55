"""Have the customers changed since the model was trained? The population stability index, with honest thresholds.

The usual limits (.1, .25) call two samples of one population "drifted" when they are small: the index of
``b`` bins from ``n`` and ``m`` rows of one population is about ``(1/n + 1/m)`` times a chi-square of
``b - 1`` degrees. A feature has drifted where it exceeds both that and the usual limit.

Source: B. Yurdakul and J. Naranjo, "Statistical properties of the population stability index" (2020),
https://doi.org/10.21314/JRMV.2020.227.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import chi2

BINS = 10
MODERATE, SEVERE = 0.10, 0.25
#: Chance that a feature which did not change exceeds the threshold for its number of rows.
_FALSE_ALARM = 0.001
#: Added to every bin, so that an empty one does not make the index infinite.
_SMOOTHING = 0.5


@dataclass(frozen=True)
class Profile:
    """How one feature was distributed: inner ``edges`` of its bins (numbers) or its ``categories``, and the
    rows in each bin, the last one those with no value; before it, for categories, those not among the common."""

    name: str
    is_category: bool
    edges: tuple[float, ...]
    categories: tuple[str, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Drift:
    """One feature's index, the limits that hold for so many rows, and what that makes it."""

    feature: str
    psi: float
    moderate_at: float
    severe_at: float

    @property
    def level(self) -> str:
        """``none``, ``moderate`` or ``severe``."""
        return "severe" if self.psi > self.severe_at else "moderate" if self.psi > self.moderate_at else "none"


def profile(values: pd.Series) -> Profile:
    """The distribution of one feature to compare later days with; ten bins of equal size, fewer where values tie."""
    name = str(values.name)
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        known = numbers[np.isfinite(numbers)]
        if not known.size:
            return Profile(name, False, (), (), (0, len(numbers)))
        inner = np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="lower"))
        edges = tuple(float(edge) for edge in inner[inner < known.max()])
        if not edges:
            # A constant: what lies below it and what lies above are something else.
            edges = (float(np.nextafter(known[0], -np.inf)), float(known[0]))
        return Profile(name, False, edges, (), _counts(numbers, edges))
    counted = values.dropna().astype("str").value_counts()
    common = tuple(sorted(counted.index[: BINS - 1]))
    return Profile(name, True, (), common, _category_counts(values, common))


def drift(reference: Profile, values: pd.Series) -> Drift:
    """How far ``values`` (one day's rows of the feature) lie from ``reference``."""
    if reference.is_category:
        now = _category_counts(values, reference.categories)
    else:
        now = _counts(values.to_numpy(dtype=float, na_value=np.nan), reference.edges)
    before = np.asarray(reference.counts, dtype=float)
    after = np.asarray(now, dtype=float)
    n, m = before.sum(), after.sum()
    if n == 0 or m == 0:
        return Drift(reference.name, 0.0, MODERATE, SEVERE)
    noise = chi2.ppf(1 - _FALSE_ALARM, max(len(before) - 1, 1)) * (1 / n + 1 / m)
    expected = (before + _SMOOTHING) / (n + _SMOOTHING * len(before))
    actual = (after + _SMOOTHING) / (m + _SMOOTHING * len(after))
    index = float(((actual - expected) * np.log(actual / expected)).sum())
    return Drift(reference.name, index, max(MODERATE, float(noise)), max(SEVERE, float(noise)))


def _counts(numbers: npt.NDArray[np.float64], edges: tuple[float, ...]) -> tuple[int, ...]:
    known = numbers[np.isfinite(numbers)]
    bins = np.searchsorted(np.asarray(edges, dtype=float), known, side="left")
    counted = np.bincount(bins, minlength=len(edges) + 1)
    return (*map(int, counted), len(numbers) - len(known))


def _category_counts(values: pd.Series, categories: tuple[str, ...]) -> tuple[int, ...]:
    texts = values[values.notna()].astype("str")
    counted = texts.value_counts()
    found = [int(counted.get(category, 0)) for category in categories]
    return (*found, len(texts) - sum(found), len(values) - len(texts))

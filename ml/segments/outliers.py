"""Customers unlike all others, by density: whoever lies in no crowd is an outlier (DBSCAN's noise).

Sources: M. Ester et al., "A density-based algorithm for discovering clusters" (KDD 1996); J. Sander et al.,
"Density-based clustering in spatial databases" (1998, twice as many neighbours as dimensions),
https://doi.org/10.1023/A:1009745219419; J. Tukey, *Exploratory Data Analysis* (1977), chapter 2 (fences).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from ml.evaluation.clustering import sample_rows
from ml.evaluation.intervals import Floats

#: Crowds are looked for among at most this many customers.
OUTLIER_ROWS = 10_000
#: Whose neighbours are farther than the upper quartile by this many times the middle half's spread (of
#: logarithms) lies outside: Tukey's inner fence.
FENCE = 1.5


@dataclass(frozen=True)
class Outliers:
    """``is_outlier`` (shape ``(customers,)``), and what it was found with: ``radius`` (standard deviations),
    ``neighbours`` (customers within it that make a crowd), ``looked_at`` (customers crowds were looked for
    among). ``reason`` says why nobody was judged (then ``is_outlier`` is all false), else ``None``."""

    is_outlier: npt.NDArray[np.bool_]
    radius: float | None
    neighbours: int
    looked_at: int
    reason: str | None = None

    @property
    def share(self) -> float | None:
        """Share of customers who are outliers; ``None`` where nobody was judged."""
        return None if self.reason is not None or not len(self.is_outlier) else float(self.is_outlier.mean())


def find_outliers(X: Floats, *, sample_size: int = OUTLIER_ROWS, random_state: int = 42) -> Outliers:
    """Who of ``X`` (shape ``(customers, features)``, no NaN, sorted) lies within reach of no crowd.

    A customer with ``2 * features`` neighbours (itself among them) within the radius is in the middle of a
    crowd, and a crowd is whom such customers reach. The radius is what the shop's own distances to that
    neighbour show: Tukey's inner fence of their logarithms. The answer is DBSCAN's noise, without the lists
    of all neighbours that DBSCAN makes on its way. Above ``sample_size`` customers a seeded sample finds
    the crowds, and every customer is then judged by them: exact up to that size, above it by the sample's
    density.
    """
    n, width = X.shape
    neighbours = 2 * width
    nobody = np.zeros(n, dtype=bool)
    if n <= neighbours:
        return Outliers(nobody, None, neighbours, n, f"{n} customers, needed more than {neighbours}")
    sample = X[sample_rows(n, sample_size, random_state)]
    with threadpool_limits(limits=1):
        near = NearestNeighbors(n_neighbors=neighbours, n_jobs=1).fit(sample)
        reach = near.kneighbors(sample, return_distance=True)[0][:, -1]
        # Customers who are all alike lie at no distance: they are a crowd at any radius.
        logs = np.log(reach[reach > 0])
        if len(logs) < neighbours:
            return Outliers(nobody, None, neighbours, len(sample), "the customers are too much alike")
        lower, upper = np.quantile(logs, [0.25, 0.75])
        radius = float(np.exp(upper + FENCE * (upper - lower)))
        crowds = reach <= radius
        # Every customer by the same comparison, so that who was in the sample makes no difference.
        nearest = NearestNeighbors(n_neighbors=1, n_jobs=1).fit(sample[crowds]).kneighbors(X)[0][:, 0]
    return Outliers(nearest > radius, radius, neighbours, len(sample))

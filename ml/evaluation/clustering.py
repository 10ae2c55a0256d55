"""How good is a clustering: are its groups apart (silhouette), and would they be found again (bootstrap)?

Sources: P. Rousseeuw, "Silhouettes" (1987), https://doi.org/10.1016/0377-0427(87)90125-7;
L. Hubert and P. Arabie, "Comparing partitions" (1985), https://doi.org/10.1007/BF01908075;
C. Hennig, "Cluster-wise assessment of cluster stability" (2007), https://doi.org/10.1016/j.csda.2006.11.025.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn import config_context
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score, silhouette_samples
from threadpoolctl import threadpool_limits

from ml.evaluation.intervals import Estimate, Floats, bootstrap_interval, percentile_interval

Labels = npt.NDArray[np.int64]
#: Learns a clustering from rows with a seed, and gives back the function that assigns rows to it.
FitClustering = Callable[[Floats, int], Callable[[Floats], Labels]]

#: Fewer resamples than this say little about the spread of a stability figure.
FEWEST_RESAMPLES = 20
#: Silhouettes need every pair of rows; more rows than this are sampled.
SILHOUETTE_ROWS = 10_000
#: Chunk of the pair matrix that is in memory at a time, in MiB.
_PAIR_MEMORY_MIB = 128


def sample_rows(n: int, size: int, random_state: int) -> npt.NDArray[np.int64]:
    """Row numbers of a seeded sample without repeats, ascending; all of ``range(n)`` where ``n <= size``."""
    if n <= size:
        return np.arange(n)
    return np.sort(np.random.default_rng(random_state).choice(n, size, replace=False))


def kmeans(X: Floats, k: int, *, n_init: int, random_state: int) -> KMeans:
    """K-Means with everything that its result depends on named (Lloyd, k-means++ starts).

    A bootstrap resample may hold fewer distinct rows than ``k``. It then gets fewer clusters and its
    agreement falls, which is what should count against ``k``; so scikit-learn's warning is not wanted.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(n_clusters=k, init="k-means++", n_init=n_init, algorithm="lloyd", random_state=random_state).fit(
            X
        )


def kmeans_fitter(k: int, n_init: int) -> FitClustering:
    """K-Means as :func:`bootstrap_agreement` wants it."""

    def fit(rows: Floats, seed: int) -> Callable[[Floats], Labels]:
        predict: Callable[[Floats], Labels] = kmeans(rows, k, n_init=n_init, random_state=seed).predict
        return predict

    return fit


def silhouette(
    X: Floats,
    labels: npt.ArrayLike,
    *,
    sample_size: int = SILHOUETTE_ROWS,
    n_resamples: int = 200,
    level: float = 0.95,
    random_state: int = 42,
) -> Estimate | None:
    """Mean silhouette of ``X`` (shape ``(n, features)``) under ``labels`` (shape ``(n,)``), in [-1, 1].

    Above ``sample_size`` rows a seeded sample stands for all; ``n`` in the answer says how many were
    measured. The interval is over customers with the clustering held fixed. ``None`` where the measure
    is not defined: one group only, or as many groups as rows.
    """
    rows = sample_rows(len(X), sample_size, random_state)
    chosen = np.asarray(labels)[rows]
    groups = len(np.unique(chosen))
    if not 2 <= groups < len(rows):
        return None
    with config_context(working_memory=_PAIR_MEMORY_MIB):
        widths = silhouette_samples(X[rows], chosen)
    return bootstrap_interval(widths, n_resamples=n_resamples, level=level, random_state=random_state)


class Agreement(NamedTuple):
    """How resampled clusterings agree with the reference: ``ari`` has shape ``(resamples,)``, ``jaccard``
    ``(resamples, clusters)`` with the reference's clusters in ascending order of their labels."""

    ari: Floats
    jaccard: Floats

    def stability(self, level: float = 0.95) -> Estimate:
        """Mean adjusted Rand index with the central ``level`` range of its draws; ``n`` counts resamples."""
        low, high = percentile_interval(self.ari, level)
        return Estimate(float(self.ari.mean()), low, high, len(self.ari))

    def smallest_jaccard(self) -> float:
        """Mean Jaccard similarity of the cluster that is found again worst."""
        return float(self.jaccard.mean(axis=0).min())


def bootstrap_agreement(
    X: Floats,
    reference: npt.ArrayLike,
    fit: FitClustering,
    *,
    n_resamples: int = 50,
    random_state: int = 42,
) -> Agreement:
    """Agreement of clusterings learned on bootstrap samples with the one learned on the data (Hennig 2007).

    For each resample: draw ``n`` rows with replacement, learn a clustering from them, assign **all** rows
    of ``X`` by it, and compare with ``reference`` (shape ``(n,)``): as a whole by the adjusted Rand index
    (1 is the same partition, 0 what chance gives), and each reference cluster by its Jaccard similarity
    with the most similar new one (Hennig: a mean of .75 and more is a stable cluster).

    Raises ``ValueError`` below ``FEWEST_RESAMPLES``. The same seed draws the same resamples whatever is
    fitted, so that two candidates are compared on the same draws.
    """
    if n_resamples < FEWEST_RESAMPLES:
        raise ValueError(f"n_resamples: expected at least {FEWEST_RESAMPLES}, got {n_resamples}")
    generator = np.random.default_rng(random_state)
    n = len(X)
    names, old = np.unique(np.asarray(reference), return_inverse=True)
    ari = np.empty(n_resamples)
    jaccard = np.empty((n_resamples, len(names)))
    with threadpool_limits(limits=1):
        for resample in range(n_resamples):
            rows = generator.integers(0, n, n)
            seed = int(generator.integers(0, 2**31 - 1))
            new = fit(X[rows], seed)(X)
            ari[resample] = adjusted_rand_score(old, new)
            jaccard[resample] = best_jaccard(old, new)
    return Agreement(ari, jaccard)


def best_jaccard(old: Labels, new: Labels) -> Floats:
    """For each cluster of ``old`` (labels from 0 up), its Jaccard similarity with the most similar of ``new``."""
    width = int(new.max()) + 1
    shared = np.bincount(old * width + new, minlength=(int(old.max()) + 1) * width).reshape(-1, width)
    union = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    best: Floats = (shared / np.maximum(union, 1)).max(axis=1)
    return best

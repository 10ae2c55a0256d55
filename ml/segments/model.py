"""K-Means whose number of clusters, order and result do not hang on luck: not on seeds, not on row order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from ml.evaluation.clustering import Labels, kmeans
from ml.evaluation.intervals import Estimate, Floats
from ml.segments.choose_k import Choice, StabilityRule, choose_k

#: Rows whose distances to all centres are in memory at a time.
_CHUNK = 100_000


class CustomerSegmenter:
    """Clusters customers by K-Means (MacQueen 1967; k-means++ starts, Arthur and Vassilvitskii 2007).

    Parameters
    ----------
    random_state : seed of everything that is drawn.
    directions : +1 or -1 per feature, which end is good for the shop; clusters are numbered from the best
        centre (largest sum of ``direction * centre``) down. All +1 unless told.
    rule : how k is chosen, and the number of starts.

    Learned by ``fit``: ``k_``, ``centers_`` (shape ``(k_, features)``), ``choice_`` (why this k, and all
    candidates), ``silhouette_`` and ``stability_`` (``Estimate``, or ``None`` for a single segment),
    ``n_complete_`` (rows without unknown features, from which everything was learned).

    Rows are sorted before anything is drawn, so their order does not matter, and native threads are held
    at one, so that sums are taken in one order and floats repeat.
    """

    def __init__(
        self,
        random_state: int = 42,
        directions: Sequence[int] | None = None,
        rule: StabilityRule | None = None,
    ) -> None:
        self.random_state = random_state
        self.directions = directions
        self.rule = rule

    def fit(self, X: Floats) -> CustomerSegmenter:
        """Learn from ``X`` (shape ``(customers, features)``); rows with a NaN are left out of learning.

        Raises ``ValueError`` where no row is complete or ``directions`` has another length.
        """
        X = np.asarray(X, dtype=float)
        complete = X[~np.isnan(X).any(axis=1)]
        if len(complete) == 0:
            raise ValueError(f"X: expected at least one row without unknown features, got none of {len(X)}")
        directions = np.ones(X.shape[1]) if self.directions is None else np.asarray(self.directions, dtype=float)
        if len(directions) != X.shape[1]:
            raise ValueError(f"directions: expected {X.shape[1]} signs, one per feature, got {len(directions)}")
        rows = complete[np.lexsort(complete.T[::-1])]
        rule = self.rule or StabilityRule()
        with threadpool_limits(limits=1):
            self.choice_: Choice = choose_k(rows, rule, self.random_state)
            if self.choice_.k == 1:
                centers: Floats = rows.mean(axis=0, keepdims=True)
            else:
                centers = kmeans(
                    rows, self.choice_.k, n_init=rule.n_init, random_state=self.random_state
                ).cluster_centers_
        self.centers_: Floats = _ordered(centers, directions)
        self.k_ = len(self.centers_)
        self.n_complete_ = len(rows)
        chosen = self.choice_.chosen
        self.silhouette_: Estimate | None = chosen.silhouette if chosen else None
        self.stability_: Estimate | None = chosen.stability if chosen else None
        return self

    def predict(self, X: Floats) -> Labels:
        """Number of the nearest centre for each row, 0 to ``k_ - 1``, best cluster first."""
        return self.nearest(X)[0]

    def nearest(self, X: Floats) -> tuple[Labels, Floats]:
        """Nearest centre and Euclidean distance to it, each of shape ``(customers,)``.

        Unknown features (NaN) are left out of a row's distance, which is then scaled up to the full number
        of features (J. K. Dixon, "Pattern recognition with partly missing data", 1979). A row that knows
        nothing raises ``ValueError``.
        """
        X = np.asarray(X, dtype=float)
        labels = np.empty(len(X), dtype=np.int64)
        distances = np.empty(len(X))
        for start in range(0, len(X), _CHUNK):
            part = X[start : start + _CHUNK]
            known = ~np.isnan(part)
            if not known.any(axis=1).all():
                raise ValueError("X: expected at least one known feature in every row")
            gaps = np.nan_to_num(part[:, None, :] - self.centers_[None, :, :], nan=0.0)
            squared = (gaps**2).sum(axis=2) * (X.shape[1] / known.sum(axis=1))[:, None]
            best = squared.argmin(axis=1)
            labels[start : start + _CHUNK] = best
            distances[start : start + _CHUNK] = np.sqrt(squared[np.arange(len(part)), best])
        return labels, distances


def _ordered(centers: Floats, directions: Floats) -> Floats:
    """Centres from best to worst; ties (to nine decimals) by the centre itself, never by K-Means' numbering."""
    worth = np.round((centers * directions).sum(axis=1), 9)
    keys = [(-value, *np.round(center, 9)) for value, center in zip(worth, centers, strict=True)]
    ordered: Floats = centers[sorted(range(len(centers)), key=keys.__getitem__)]
    return ordered

"""Which features: behaviour beside RFM only where it finds more segments that would be found again.

More features make clusters easier to describe and harder to find again: in a space of seven dimensions
distances are alike. So RFM alone and RFM with behaviour are both clustered, and the stability rule decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.evaluation.intervals import Floats
from ml.segments.choose_k import StabilityRule
from ml.segments.feature_space import FeatureSpace
from ml.segments.model import CustomerSegmenter


@dataclass(frozen=True)
class Clustering:
    """Customers clustered in one feature space; ``X`` has shape ``(customers, features)``, NaN unknown."""

    space: FeatureSpace
    X: Floats
    segmenter: CustomerSegmenter

    @property
    def passes(self) -> bool:
        """Whether its number of segments passed the stability rule."""
        chosen = self.segmenter.choice_.chosen
        return chosen is not None and chosen.passes


@dataclass(frozen=True)
class FeatureChoice:
    """The clustering taken, why in words, and all that were compared (the simplest first)."""

    best: Clustering
    reason: str
    compared: tuple[Clustering, ...]


def cluster(space: FeatureSpace, X: Floats, random_state: int, rule: StabilityRule) -> Clustering:
    """Cluster ``X`` of a fitted ``space``; raises ``ValueError`` where no customer has all features."""
    return Clustering(space, X, CustomerSegmenter(random_state, space.directions_, rule).fit(X))


def complete_share(X: Floats) -> float:
    """Share of rows without an unknown feature."""
    return float(np.mean(~np.isnan(X).any(axis=1))) if len(X) else 0.0


def choose_features(clusterings: Sequence[Clustering]) -> FeatureChoice:
    """The clustering with most segments among those that pass the rule; on a tie the one with fewest features.

    Where none passes, the one with fewest features. ``clusterings`` holds at least one.
    """
    ordered = tuple(sorted(clusterings, key=lambda one: len(one.space.columns_)))
    passing = [one for one in ordered if one.passes]
    if not passing:
        return FeatureChoice(ordered[0], "no features gave segments that pass the stability rule: the fewest", ordered)
    best = max(passing, key=lambda one: (one.segmenter.k_, -len(one.space.columns_)))
    found = ", ".join(f"{one.space.name} {one.segmenter.k_ if one.passes else 'none'}" for one in ordered)
    return FeatureChoice(
        best, f"most segments that pass the stability rule, the fewest features on a tie ({found})", ordered
    )

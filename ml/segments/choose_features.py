"""Which features: habits where they show kinds of customers, else behaviour beside RFM where it finds more.

Habits come first for what they say, not for a figure: they tell kinds of people apart, who stay what they are,
while segments by recency, frequency and money tell in what state customers are today, which the mart's value
groups do already. They are taken where three or more segments pass the stability rule: any cloud that is longer
than wide is cut in two halves that are found again, and two halves are no kinds.

Elsewhere more features make clusters easier to describe and harder to find again: in a space of seven
dimensions distances are alike. So RFM alone and RFM with behaviour (and habits, should they give two segments)
are compared by how many segments pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.evaluation.intervals import Floats
from ml.segments.choose_k import StabilityRule
from ml.segments.feature_space import HABITS_SET, FeatureSpace
from ml.segments.model import CustomerSegmenter

#: Fewest segments by habits that count as kinds.
FEWEST_KINDS = 3


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
    """Cluster ``X`` of a fitted ``space``; raises ``ValueError`` where no customer has all features.

    Who has none is not learned from and then counts as the average customer, 0 in every feature: nothing speaks
    for another place.
    """
    segmenter = CustomerSegmenter(random_state, space.directions_, rule).fit(X)
    placed = X.copy()
    placed[np.isnan(X).all(axis=1)] = 0.0
    return Clustering(space, placed, segmenter)


def complete_share(X: Floats) -> float:
    """Share of rows without an unknown feature."""
    return float(np.mean(~np.isnan(X).any(axis=1))) if len(X) else 0.0


def choose_features(clusterings: Sequence[Clustering]) -> FeatureChoice:
    """Habits, where ``FEWEST_KINDS`` segments or more by them pass the rule; else the clustering with most segments
    among those that pass, on a tie the one with fewest features, RFM before habits.

    Where none passes, the one with fewest features. ``clusterings`` holds at least one.
    """
    ordered = tuple(sorted(clusterings, key=_simplicity))
    passing = [one for one in ordered if one.passes]
    if not passing:
        return FeatureChoice(ordered[0], "no features gave segments that pass the stability rule: the fewest", ordered)
    found = ", ".join(f"{one.space.name} {one.segmenter.k_ if one.passes else 'none'}" for one in ordered)
    for one in passing:
        if one.space.name == HABITS_SET and one.segmenter.k_ >= FEWEST_KINDS:
            return FeatureChoice(
                one, f"habits give {FEWEST_KINDS} or more segments that pass the stability rule ({found})", ordered
            )
    best = max(passing, key=lambda one: (one.segmenter.k_, -len(one.space.columns_)))  # the first of equal ones
    return FeatureChoice(
        best, f"most segments that pass the stability rule, the fewest features on a tie ({found})", ordered
    )


def _simplicity(one: Clustering) -> tuple[bool, int]:
    """What clusterings are ordered by: RFM, then RFM with behaviour, then habits, which are another question."""
    return one.space.name == HABITS_SET, len(one.space.columns_)

"""How many segments: the most that would be found again.

Silhouette alone picks nonsense (on skewed data it is best when 26 giants stand against everyone else), so
k is the largest whose clustering is stable under resampling and has no splinter cluster. Stability is
asked of the whole (bootstrap ARI) and of every cluster (Jaccard, Hennig 2007): the whole alone still passes
when one real group is cut in two along an arbitrary line while the others stay put. On twelve data sets of
two to five planted groups, ARI >= .80 alone took too large a k in ten; with Jaccard >= .75 in one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from ml.evaluation.clustering import (
    bootstrap_agreement,
    kmeans,
    kmeans_fitter,
    sample_rows,
    silhouette,
)
from ml.evaluation.intervals import Estimate, Floats


@dataclass(frozen=True)
class StabilityRule:
    """The rule and everything its answer depends on.

    ``sample_size`` bounds the customers on which candidates are compared: above it a seeded sample stands
    for all (the final model is always learned from everybody). Fewer customers make resampled clusterings
    agree less, so sampling errs towards fewer segments; 5,000 keep 200,000 customers within 30 CPU-seconds.
    """

    k_min: int = 2
    k_max: int = 10
    min_stability: float = 0.80
    min_jaccard: float = 0.75
    min_share: float = 0.03
    min_customers: int = 50
    n_resamples: int = 50
    n_init: int = 10
    resample_n_init: int = 5
    sample_size: int = 5_000

    def __post_init__(self) -> None:
        if not 2 <= self.k_min <= self.k_max:
            raise ValueError(f"k_min, k_max: expected 2 <= k_min <= k_max, got {self.k_min} and {self.k_max}")


@dataclass(frozen=True)
class Candidate:
    """One k as measured: stability (mean bootstrap ARI), mean Jaccard similarity of the cluster found again
    worst, share of its smallest cluster, silhouette."""

    k: int
    stability: Estimate
    smallest_jaccard: float
    smallest_share: float
    silhouette: Estimate | None
    passes: bool


@dataclass(frozen=True)
class Choice:
    """The k taken, why in words, and all candidates measured (none for a shop too small to cluster)."""

    k: int
    reason: str
    candidates: tuple[Candidate, ...] = ()

    @property
    def chosen(self) -> Candidate | None:
        """The candidate that was taken; ``None`` for a single segment."""
        return next((candidate for candidate in self.candidates if candidate.k == self.k), None)


def choose_k(X: Floats, rule: StabilityRule | None = None, random_state: int = 42) -> Choice:
    """Choose k for the rows of ``X`` (shape ``(customers, features)``, no NaN, in a fixed order).

    The largest k from ``k_min`` to ``k_max`` with mean bootstrap ARI >= ``min_stability``, every cluster's
    mean Jaccard similarity >= ``min_jaccard`` and no cluster under ``min_share``. Where none passes: the
    most stable of those without a splinter cluster, else the most stable of all (the smaller k on a tie).
    One segment where there are fewer than ``min_customers`` customers, or fewer distinct points than
    ``k_min`` clusters; larger k are tried only up to the number of distinct points.
    """
    rule = rule or StabilityRule()
    if len(X) < rule.min_customers:
        return Choice(1, f"one segment: {len(X)} customers are fewer than the {rule.min_customers} needed to cluster")
    # The order of a sorted sample of sorted rows is itself fixed, so the answer does not hang on row order.
    rows = X[sample_rows(len(X), rule.sample_size, random_state)]
    distinct = len(np.unique(rows, axis=0))
    if distinct < rule.k_min:
        return Choice(1, f"one segment: the customers have {distinct} distinct combination(s) of features")
    tried = range(rule.k_min, min(rule.k_max, distinct) + 1)
    # Hundreds of small fits: threads that wait for each other on a busy machine cost ten times the work.
    with threadpool_limits(limits=1):
        candidates = tuple(_measure(rows, k, rule, random_state) for k in tried)
    passing = [candidate for candidate in candidates if candidate.passes]
    if passing:
        best = passing[-1]
        return Choice(
            best.k,
            f"largest k with mean bootstrap ARI >= {rule.min_stability:.2f}, every cluster found again "
            f"(Jaccard >= {rule.min_jaccard:.2f}) and none under {rule.min_share:.0%} of customers",
            candidates,
        )
    whole = [candidate for candidate in candidates if candidate.smallest_share >= rule.min_share] or list(candidates)
    best = max(whole, key=lambda candidate: (candidate.stability.value, -candidate.k))
    return Choice(best.k, "no k passed the stability rule: the most stable one is taken", candidates)


def _measure(X: Floats, k: int, rule: StabilityRule, random_state: int) -> Candidate:
    labels = kmeans(X, k, n_init=rule.n_init, random_state=random_state).labels_
    agreement = bootstrap_agreement(
        X,
        labels,
        kmeans_fitter(k, rule.resample_n_init),
        n_resamples=rule.n_resamples,
        random_state=random_state,
    )
    found, worst = agreement.stability(), agreement.smallest_jaccard()
    share = float(np.bincount(labels, minlength=k).min() / len(X))
    return Candidate(
        k=k,
        stability=found,
        smallest_jaccard=worst,
        smallest_share=share,
        silhouette=silhouette(X, labels, random_state=random_state),
        passes=found.value >= rule.min_stability and worst >= rule.min_jaccard and share >= rule.min_share,
    )

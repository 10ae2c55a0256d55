"""What is reported of a segmentation: the model, each k that was tried, and two naive baselines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.evaluation.clustering import Labels, bootstrap_agreement, kmeans, kmeans_fitter, sample_rows, silhouette
from ml.evaluation.intervals import Floats
from ml.evaluation.results import Measured, Subject
from ml.segments.choose_k import StabilityRule
from ml.segments.features import Money, RfmFeatures
from ml.segments.model import CustomerSegmenter
from ml.segments.naming import SegmentName

CAPABILITY = "segments"
MODEL = "kmeans"
RAW_BASELINE = "baseline_raw_k2"
GROUPS_BASELINE = "baseline_value_groups"


@dataclass(frozen=True)
class ShopFit:
    """One shop's fitted segmentation with all that its tables are made of.

    ``shop`` is sorted by customer; ``X``, ``labels`` (0-based) and ``distances`` are in its order;
    ``units`` are the centres in days, orders and minor units of ``currency``.
    """

    shop_id: str
    as_of: dt.date
    shop: pd.DataFrame
    money: Money
    features: RfmFeatures
    X: Floats
    segmenter: CustomerSegmenter
    labels: Labels
    distances: Floats
    units: Floats
    names: list[SegmentName]
    currency: str | None
    random_state: int
    rule: StabilityRule
    model_version: str


def measure_shop(fit: ShopFit) -> Iterator[Measured]:
    """Rows for ``ml.evaluation``: model, candidates ``kmeans_k02`` …, and the baselines."""
    yield from _model_rows(fit)
    yield from _candidate_rows(fit)
    # Sorted like the model's own rows, so that samples do not hang on how customers are called.
    raw = fit.features.raw(fit.shop, fit.money)
    raw = raw[~np.isnan(raw).any(axis=1)]
    yield from _raw_baseline(fit, raw[np.lexsort(raw.T[::-1])])
    yield _groups_baseline(fit)


def _subject(fit: ShopFit, model: str) -> Subject:
    return Subject(CAPABILITY, fit.shop_id, fit.as_of, model, fit.random_state, fit.model_version)


def _model_rows(fit: ShopFit) -> Iterator[Measured]:
    segmenter, n = fit.segmenter, len(fit.shop)
    about: dict[str, object] = {
        "k": segmenter.k_,
        "reason": segmenter.choice_.reason,
        "features": list(fit.features.columns_),
        "currency": fit.currency,
        "money_known_share": round(fit.money.known_share, 6),
        "customers_compared": min(segmenter.n_complete_, fit.rule.sample_size),
    }
    share = float(np.bincount(fit.labels, minlength=segmenter.k_).min() / n)
    subject = _subject(fit, MODEL)
    yield Measured(subject, "k", float(segmenter.k_), n, about)
    yield Measured(subject, "silhouette", segmenter.silhouette_, n, about)
    yield Measured(subject, "bootstrap_ari", segmenter.stability_, n, about)
    chosen = segmenter.choice_.chosen
    yield Measured(
        subject, "smallest_jaccard", chosen.smallest_jaccard if chosen else None, fit.rule.n_resamples, about
    )
    yield Measured(subject, "smallest_share", share, n, about)


def _candidate_rows(fit: ShopFit) -> Iterator[Measured]:
    n = min(fit.segmenter.n_complete_, fit.rule.sample_size)
    for candidate in fit.segmenter.choice_.candidates:
        subject = _subject(fit, f"{MODEL}_k{candidate.k:02d}")
        about: dict[str, object] = {
            "k": candidate.k,
            "passes": candidate.passes,
            "chosen": candidate.k == fit.segmenter.k_,
        }
        yield Measured(subject, "silhouette", candidate.silhouette, n, about)
        yield Measured(subject, "bootstrap_ari", candidate.stability, n, about)
        yield Measured(subject, "smallest_jaccard", candidate.smallest_jaccard, candidate.stability.n, about)
        yield Measured(subject, "smallest_share", candidate.smallest_share, n, about)


def _raw_baseline(fit: ShopFit, raw: Floats) -> Iterator[Measured]:
    """K-Means with k = 2 on standardised raw RFM: a splendid silhouette for a few giants against the rest.

    Kept to show why silhouette does not choose k here. It is measured in its own space, so its silhouette
    cannot be compared with the model's; its stability and its smallest cluster can.
    """
    subject = _subject(fit, RAW_BASELINE)
    rows = raw[sample_rows(len(raw), fit.rule.sample_size, fit.random_state)]
    if fit.segmenter.k_ == 1 or len(np.unique(rows, axis=0)) < 2:
        about: dict[str, object] = {"reason": "too few customers or distinct values to cluster"}
        for metric in ("silhouette", "bootstrap_ari", "smallest_jaccard", "smallest_share"):
            yield Measured(subject, metric, None, len(rows), about)
        return
    labels = kmeans(rows, 2, n_init=fit.rule.n_init, random_state=fit.random_state).labels_
    agreement = bootstrap_agreement(
        rows,
        labels,
        kmeans_fitter(2, fit.rule.resample_n_init),
        n_resamples=fit.rule.n_resamples,
        random_state=fit.random_state,
    )
    smallest = int(np.bincount(labels, minlength=2).min())
    about = {"space": "standardised raw RFM, not the model's space", "smallest_cluster_customers": smallest}
    yield Measured(subject, "silhouette", silhouette(rows, labels, random_state=fit.random_state), len(rows), about)
    yield Measured(subject, "bootstrap_ari", agreement.stability(), len(rows), about)
    yield Measured(subject, "smallest_jaccard", agreement.smallest_jaccard(), fit.rule.n_resamples, about)
    yield Measured(subject, "smallest_share", smallest / len(rows), len(rows), about)


def _groups_baseline(fit: ShopFit) -> Measured:
    """Silhouette of the mart's quintile-score value groups, in the model's own feature space."""
    subject = _subject(fit, GROUPS_BASELINE)
    if "value_group" not in fit.shop.columns:
        return Measured(subject, "silhouette", None, 0, {"reason": "customer_rfm has no column value_group"})
    groups = fit.shop["value_group"]
    usable = ~np.isnan(fit.X).any(axis=1) & groups.notna().to_numpy()
    X = fit.X[usable]
    order = np.lexsort(X.T[::-1])
    codes, names = pd.factorize(groups[usable], sort=True)
    figure = silhouette(X[order], codes[order], random_state=fit.random_state) if len(X) else None
    about: dict[str, object] = {"groups": len(names)}
    if figure is None:
        about["reason"] = "fewer than two value groups"
    return Measured(subject, "silhouette", figure, len(X), about)

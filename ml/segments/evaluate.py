"""What is reported of a segmentation: the model, each feature set and k tried, outliers, view, two naive baselines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ml.evaluation.clustering import bootstrap_agreement, kmeans, kmeans_fitter, sample_rows, silhouette
from ml.evaluation.intervals import Floats
from ml.evaluation.results import Measured, Subject
from ml.segments.choose_features import Clustering
from ml.segments.feature_space import BEHAVIOUR_SET, HABITS_SET, RFM_SET
from ml.segments.shop_fit import ShopFit

CAPABILITY = "segments"
MODEL = "kmeans"
OUTLIERS = "dbscan"
VIEW = "pca"
RAW_BASELINE = "baseline_raw_k2"
GROUPS_BASELINE = "baseline_value_groups"


def measure_shop(fit: ShopFit) -> Iterator[Measured]:
    """Rows for ``ml.evaluation``: model, feature sets ``kmeans_rfm`` …, candidates ``kmeans_k02`` (of RFM),
    ``kmeans_behaviour_k02`` … and ``kmeans_habits_k02`` …, outliers, the view, and the baselines."""
    yield from _model_rows(fit)
    for clustering in fit.choice.compared:
        yield from _feature_set_rows(fit, clustering)
        yield from _candidate_rows(fit, clustering)
    yield from _skipped_rows(fit)
    yield _outlier_row(fit)
    yield _view_row(fit)
    # Sorted like the model's own rows, so that samples do not hang on how customers are called.
    raw = fit.space.rfm_.raw(fit.shop, fit.money)
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
        "features": list(fit.space.columns_),
        "features_reason": fit.choice.reason,
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


def _feature_set_rows(fit: ShopFit, clustering: Clustering) -> Iterator[Measured]:
    """The features compared, each with the k that was best in it; silhouettes are each in their own space."""
    segmenter = clustering.segmenter
    subject, n = _subject(fit, f"{MODEL}_{clustering.space.name}"), segmenter.n_complete_
    chosen = segmenter.choice_.chosen
    about: dict[str, object] = {
        "chosen": clustering is fit.choice.best,
        "passes": clustering.passes,
        "features": list(clustering.space.columns_),
        "left_out": {one.feature: one.reason for one in clustering.space.usability_ if one.reason is not None},
        "reason": segmenter.choice_.reason,
    }
    yield Measured(subject, "k", float(segmenter.k_), n, about)
    yield Measured(subject, "silhouette", segmenter.silhouette_, n, about)
    yield Measured(subject, "bootstrap_ari", segmenter.stability_, n, about)
    yield Measured(subject, "smallest_jaccard", chosen.smallest_jaccard if chosen else None, n, about)
    yield Measured(subject, "smallest_share", chosen.smallest_share if chosen else None, n, about)


def _skipped_rows(fit: ShopFit) -> Iterator[Measured]:
    for name, reason in fit.skipped.items():
        yield Measured(_subject(fit, f"{MODEL}_{name}"), "k", None, len(fit.shop), {"reason": reason})


def _candidate_rows(fit: ShopFit, clustering: Clustering) -> Iterator[Measured]:
    n = min(clustering.segmenter.n_complete_, fit.rule.sample_size)
    prefix = {RFM_SET: MODEL, BEHAVIOUR_SET: f"{MODEL}_behaviour", HABITS_SET: f"{MODEL}_habits"}[clustering.space.name]
    for candidate in clustering.segmenter.choice_.candidates:
        subject = _subject(fit, f"{prefix}_k{candidate.k:02d}")
        about: dict[str, object] = {
            "k": candidate.k,
            "passes": candidate.passes,
            "chosen": clustering is fit.choice.best and candidate.k == clustering.segmenter.k_,
        }
        yield Measured(subject, "silhouette", candidate.silhouette, n, about)
        yield Measured(subject, "bootstrap_ari", candidate.stability, n, about)
        yield Measured(subject, "smallest_jaccard", candidate.smallest_jaccard, candidate.stability.n, about)
        yield Measured(subject, "smallest_share", candidate.smallest_share, n, about)


def _outlier_row(fit: ShopFit) -> Measured:
    found = fit.outliers
    about: dict[str, object] = {
        "radius": None if found.radius is None else round(found.radius, 6),
        "neighbours": found.neighbours,
        "crowds_looked_for_among": found.looked_at,
        "features": list(fit.space.columns_),
    }
    if found.reason is not None:
        about["reason"] = found.reason
    return Measured(_subject(fit, OUTLIERS), "outlier_share", found.share, len(fit.shop), about)


def _view_row(fit: ShopFit) -> Measured:
    """What share of all variance the scatter plot shows, with the weight of each feature on both axes."""
    view = fit.projection
    about: dict[str, object] = {
        f"axis_{axis}": {
            "explained": round(view.explained[at], 6),
            "loadings": {
                column: round(float(loading), 4)
                for column, loading in zip(fit.space.columns_, view.loadings[at], strict=True)
            },
        }
        for at, axis in enumerate("xy")
    }
    return Measured(_subject(fit, VIEW), "explained_variance", sum(view.explained), len(fit.shop), about)


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

"""The tables of the schema ``ml`` that a segmentation fills, and their rows from one shop's fit."""

from __future__ import annotations

import datetime as dt
import warnings

import numpy as np
import pandas as pd

from ml.evaluation.intervals import Floats
from ml.segments.behaviour import BREADTH, DISCOUNTS, DWELL, VISITS
from ml.segments.features import FREQUENCY, MONETARY, RECENCY
from ml.segments.shop_fit import ShopFit

#: Column -> DuckDB type of ``ml.customer_segments``, key shop_id, customer_id.
CUSTOMER_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "customer_id": "VARCHAR",
    "as_of": "DATE",
    "segment_id": "INTEGER",
    "segment_name": "VARCHAR",
    "segment_name_zh": "VARCHAR",
    "distance_to_center": "DOUBLE",
    "is_outlier": "BOOLEAN",
    "pca_x": "DOUBLE",
    "pca_y": "DOUBLE",
    "model_version": "VARCHAR",
}
#: Column -> DuckDB type of ``ml.segments``, key shop_id, segment_id.
SEGMENT_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "as_of": "DATE",
    "segment_id": "INTEGER",
    "segment_rank": "INTEGER",
    "segment_name": "VARCHAR",
    "segment_name_zh": "VARCHAR",
    "customers": "BIGINT",
    "share": "DOUBLE",
    "outliers": "BIGINT",
    "center_recency_days": "DOUBLE",
    "center_frequency": "DOUBLE",
    "center_monetary_minor": "BIGINT",
    "currency": "VARCHAR",
    "typical_visits_per_30_days": "DOUBLE",
    "typical_minutes_per_visit": "DOUBLE",
    "typical_categories_wanted": "DOUBLE",
    "mean_discounted_share": "DOUBLE",
    "features": "VARCHAR",
    "model_version": "VARCHAR",
}
#: Column -> DuckDB type of ``ml.segment_sizes``: segments of every run that was kept, key shop_id, as_of, segment_id.
SIZE_COLUMNS: dict[str, str] = {
    column: SEGMENT_COLUMNS[column]
    for column in (
        "shop_id",
        "as_of",
        "segment_id",
        "segment_rank",
        "segment_name",
        "segment_name_zh",
        "customers",
        "share",
        "model_version",
    )
}


def customer_rows(fit: ShopFit) -> pd.DataFrame:
    """Rows of ``ml.customer_segments``, in the order of the shop's customers."""
    ids = np.array(fit.segment_ids, dtype=np.int64)
    return pd.DataFrame(
        {
            "shop_id": fit.shop_id,
            "customer_id": fit.shop["customer_id"].astype(object),
            "as_of": dates(fit.as_of, len(fit.shop)),
            "segment_id": ids[fit.labels],
            "segment_name": np.array([name.en for name in fit.names], dtype=object)[fit.labels],
            "segment_name_zh": np.array([name.zh for name in fit.names], dtype=object)[fit.labels],
            "distance_to_center": np.round(fit.distances, 6),
            "is_outlier": fit.outliers.is_outlier,
            # Adding zero turns the minus zero of a rounded tiny number into zero.
            "pca_x": np.round(fit.projection.points[:, 0], 6) + 0.0,
            "pca_y": np.round(fit.projection.points[:, 1], 6) + 0.0,
            "model_version": fit.model_version,
        }
    )


def segment_rows(fit: ShopFit) -> pd.DataFrame:
    """Rows of ``ml.segments``, the best segment first; ``center_*`` are K-Means' centres, or where
    customers were clustered by habits, the segment's means of logarithms; ``typical_*`` the behaviour of the
    segment's customers whether or not they were clustered by it (null where unknown)."""
    k = fit.segmenter.k_
    sizes = np.bincount(fit.labels, minlength=k)
    columns = fit.space.columns_
    money: list[int | None] = [None] * k
    if MONETARY in fit.space.rfm_.columns_:
        money = [None if np.isnan(value) else round(float(value)) for value in _center(fit, MONETARY)]
    return pd.DataFrame(
        {
            "shop_id": fit.shop_id,
            "as_of": dates(fit.as_of, k),
            "segment_id": fit.segment_ids,
            "segment_rank": np.arange(1, k + 1),
            "segment_name": [name.en for name in fit.names],
            "segment_name_zh": [name.zh for name in fit.names],
            "customers": sizes,
            "share": np.round(sizes / len(fit.shop), 6),
            "outliers": np.bincount(fit.labels[fit.outliers.is_outlier], minlength=k),
            "center_recency_days": np.round(_center(fit, RECENCY), 2),
            "center_frequency": np.round(_center(fit, FREQUENCY), 2),
            "center_monetary_minor": pd.array(money, dtype="Int64"),
            "currency": pd.Series([fit.currency] * k, dtype=object),
            "typical_visits_per_30_days": _typical(fit, VISITS, 2),
            "typical_minutes_per_visit": _typical(fit, DWELL, 2),
            "typical_categories_wanted": _typical(fit, BREADTH, 2),
            "mean_discounted_share": _typical(fit, DISCOUNTS, 4),
            "features": ", ".join(columns),
            "model_version": fit.model_version,
        }
    )


def dates(day: dt.date, n: int) -> pd.Series:
    """A column of ``n`` equal dates."""
    return pd.Series([day] * n, dtype=object)


def _center(fit: ShopFit, feature: str) -> Floats:
    """Per segment where it lies in recency, frequency or money, whatever it was clustered by."""
    rfm = fit.space.rfm_
    if feature in fit.space.columns_:
        centers: Floats = fit.units[:, fit.space.columns_.index(feature)]
        return centers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        X = rfm.transform(fit.shop, fit.money)
        means = np.array([np.nanmean(X[fit.labels == cluster], axis=0) for cluster in range(fit.segmenter.k_)])
    units: Floats = rfm.in_units(means)[:, rfm.columns_.index(feature)]
    return units


def _typical(fit: ShopFit, feature: str, decimals: int) -> Floats:
    """Per segment the mean of a behaviour, of logarithms where it is clustered by those; NaN where unknown."""
    values = fit.behaviour[feature].to_numpy(dtype=float)
    rows = values if feature == DISCOUNTS else np.log1p(values)
    with warnings.catch_warnings():
        # A segment in which nobody's behaviour is known has none: NaN is the answer wanted.
        warnings.simplefilter("ignore", RuntimeWarning)
        means = np.array([np.nanmean(rows[fit.labels == cluster]) for cluster in range(fit.segmenter.k_)])
    typical: Floats = np.round(means if feature == DISCOUNTS else np.expm1(means), decimals)
    return typical

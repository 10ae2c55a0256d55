"""From the mart ``customer_rfm`` to named segments with their evaluation: frames in, frames out."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ml.evaluation.results import EVALUATION_COLUMNS, Measured, evaluation_frame
from ml.segments.choose_k import StabilityRule
from ml.segments.evaluate import ShopFit, measure_shop
from ml.segments.features import DIRECTIONS, FREQUENCY, MONETARY, RECENCY, RfmFeatures, comparable_money
from ml.segments.model import CustomerSegmenter
from ml.segments.naming import name_segments

#: Raise when the code changes in a way that parameters and centres do not show.
CODE_VERSION = 1

#: Column -> DuckDB type of ``ml.customer_segments``, key shop_id, customer_id.
CUSTOMER_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "customer_id": "VARCHAR",
    "as_of": "DATE",
    "segment_id": "INTEGER",
    "segment_name": "VARCHAR",
    "segment_name_zh": "VARCHAR",
    "distance_to_center": "DOUBLE",
    "model_version": "VARCHAR",
}
#: Column -> DuckDB type of ``ml.segments``, key shop_id, segment_id.
SEGMENT_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "as_of": "DATE",
    "segment_id": "INTEGER",
    "segment_name": "VARCHAR",
    "segment_name_zh": "VARCHAR",
    "customers": "BIGINT",
    "share": "DOUBLE",
    "center_recency_days": "DOUBLE",
    "center_frequency": "DOUBLE",
    "center_monetary_minor": "BIGINT",
    "currency": "VARCHAR",
    "model_version": "VARCHAR",
}
_NEEDED = ("shop_id", "customer_id", "as_of", RECENCY, FREQUENCY, MONETARY, "currency")


@dataclass(frozen=True)
class SegmentationResult:
    """What :func:`segment_customers` gives: three frames and the version of the model behind them.

    ``customers``, ``segments`` and ``evaluation`` have the columns of ``CUSTOMER_COLUMNS``,
    ``SEGMENT_COLUMNS`` and ``EVALUATION_COLUMNS``, sorted by their keys. ``segment_id`` counts from 1, the
    best segment (recent, frequent, high spend) first. ``model_versions`` holds one version per shop, which
    the rows carry; ``model_version`` is the one shop's, or a hash over all of them. ``reasons`` says in
    words, per shop, why it has this number of segments.
    """

    customers: pd.DataFrame
    segments: pd.DataFrame
    evaluation: pd.DataFrame
    model_version: str
    model_versions: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def segment_customers(
    rfm: pd.DataFrame, random_state: int = 42, rule: StabilityRule | None = None
) -> SegmentationResult:
    """Segment each shop's customers by K-Means on RFM.

    Parameters
    ----------
    rfm : one row per customer, with at least ``shop_id, customer_id, as_of, recency_days`` (days),
        ``frequency`` (orders), ``monetary_minor`` (net, minor units of ``currency``, null when unknown) and
        ``currency``. ``value_group`` is compared with where present. Row order does not matter.
    random_state : seed of everything drawn. ``rule`` : how the number of segments is chosen.

    Raises ``ValueError`` where a column is missing, a customer occurs twice, recency or frequency is null
    or negative, or a shop has more than one ``as_of``. No rows in give no rows out.
    """
    _check(rfm)
    rule = rule or StabilityRule()
    ordered = rfm.sort_values(["shop_id", "customer_id"], ignore_index=True)
    customers: list[pd.DataFrame] = []
    segments: list[pd.DataFrame] = []
    measured: list[Measured] = []
    versions: dict[str, str] = {}
    reasons: dict[str, str] = {}
    with threadpool_limits(limits=1):
        for name, shop in ordered.groupby("shop_id", sort=True):
            fit = _fit_shop(str(name), shop.reset_index(drop=True), random_state, rule)
            customers.append(_customer_rows(fit))
            segments.append(_segment_rows(fit))
            measured.extend(measure_shop(fit))
            versions[fit.shop_id] = fit.model_version
            reasons[fit.shop_id] = fit.segmenter.choice_.reason
    version = next(iter(versions.values())) if len(versions) == 1 else _hash(versions)
    return SegmentationResult(
        customers=_stacked(customers, CUSTOMER_COLUMNS),
        segments=_stacked(segments, SEGMENT_COLUMNS),
        evaluation=evaluation_frame(measured)[list(EVALUATION_COLUMNS)],
        model_version=version,
        model_versions=versions,
        reasons=reasons,
    )


def _fit_shop(shop_id: str, shop: pd.DataFrame, random_state: int, rule: StabilityRule) -> ShopFit:
    money = comparable_money(shop)
    features = RfmFeatures().fit(shop, money)
    X = features.transform(shop, money)
    directions = [DIRECTIONS[column] for column in features.columns_]
    segmenter = CustomerSegmenter(random_state, directions, rule).fit(X)
    labels, distances = segmenter.nearest(X)
    units = features.in_units(segmenter.centers_)
    currency = money.currency if MONETARY in features.columns_ else None
    as_of = pd.Timestamp(shop["as_of"].iloc[0]).date()
    version = _hash(
        {
            "code": CODE_VERSION,
            "shop_id": shop_id,
            "as_of": as_of.isoformat(),
            "random_state": random_state,
            "rule": asdict(rule),
            "features": {"scale_quantile": features.scale_quantile, "columns": features.columns_, "currency": currency},
            # Significant digits, not all bits: the last ones may differ between processors.
            "centers": [[f"{value:.6g}" for value in center] for center in units],
        }
    )
    return ShopFit(
        shop_id=shop_id,
        as_of=as_of,
        shop=shop,
        money=money,
        features=features,
        X=X,
        segmenter=segmenter,
        labels=labels,
        distances=distances,
        units=units,
        names=name_segments(segmenter.centers_, units, features.columns_, currency),
        currency=currency,
        random_state=random_state,
        rule=rule,
        model_version=version,
    )


def _customer_rows(fit: ShopFit) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "shop_id": fit.shop_id,
            "customer_id": fit.shop["customer_id"].astype(object),
            "as_of": _dates(fit.as_of, len(fit.shop)),
            "segment_id": fit.labels + 1,
            "segment_name": np.array([name.en for name in fit.names], dtype=object)[fit.labels],
            "segment_name_zh": np.array([name.zh for name in fit.names], dtype=object)[fit.labels],
            "distance_to_center": np.round(fit.distances, 6),
            "model_version": fit.model_version,
        }
    )


def _segment_rows(fit: ShopFit) -> pd.DataFrame:
    k = fit.segmenter.k_
    sizes = np.bincount(fit.labels, minlength=k)
    columns = fit.features.columns_
    money: list[int | None] = [None] * k
    if MONETARY in columns:
        money = [round(float(value)) for value in fit.units[:, columns.index(MONETARY)]]
    return pd.DataFrame(
        {
            "shop_id": fit.shop_id,
            "as_of": _dates(fit.as_of, k),
            "segment_id": np.arange(1, k + 1),
            "segment_name": [name.en for name in fit.names],
            "segment_name_zh": [name.zh for name in fit.names],
            "customers": sizes,
            "share": np.round(sizes / len(fit.shop), 6),
            "center_recency_days": np.round(fit.units[:, columns.index(RECENCY)], 2),
            "center_frequency": np.round(fit.units[:, columns.index(FREQUENCY)], 2),
            "center_monetary_minor": pd.array(money, dtype="Int64"),
            "currency": pd.Series([fit.currency] * k, dtype=object),
            "model_version": fit.model_version,
        }
    )


def _dates(day: dt.date, n: int) -> pd.Series:
    return pd.Series([day] * n, dtype=object)


def _stacked(frames: Sequence[pd.DataFrame], columns: dict[str, str]) -> pd.DataFrame:
    if not frames:
        return pd.DataFrame({column: pd.Series(dtype=object) for column in columns})
    return pd.concat(frames, ignore_index=True)[list(columns)]


def _check(rfm: pd.DataFrame) -> None:
    missing = [column for column in _NEEDED if column not in rfm.columns]
    if missing:
        raise ValueError(f"customer_rfm: expected columns {', '.join(_NEEDED)}; missing {', '.join(missing)}")
    for column in ("shop_id", "customer_id", "as_of", RECENCY, FREQUENCY):
        if rfm[column].isna().any():
            raise ValueError(f"customer_rfm.{column}: expected no nulls, got {int(rfm[column].isna().sum())}")
    for column in (RECENCY, FREQUENCY):
        if (rfm[column] < 0).any():
            raise ValueError(f"customer_rfm.{column}: expected 0 or more, got {rfm[column].min()}")
    repeated = rfm[rfm.duplicated(["shop_id", "customer_id"])]
    if len(repeated):
        first = repeated.sort_values(["shop_id", "customer_id"]).iloc[0]
        raise ValueError(
            f"customer_rfm: expected one row per customer, got {first['shop_id']}/{first['customer_id']} more than once"
        )
    dates = rfm.groupby("shop_id")["as_of"].nunique()
    if (dates > 1).any():
        shop = dates[dates > 1].index[0]
        raise ValueError(f"customer_rfm.as_of: expected one date per shop, got {dates[shop]} for shop {shop}")


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

"""From customers' RFM and behaviour to named segments that keep their numbers: frames in, frames out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ml.evaluation.intervals import Floats
from ml.evaluation.results import EVALUATION_COLUMNS, Measured, evaluation_frame
from ml.segments.behaviour import behaviour_values
from ml.segments.choose_features import FeatureChoice, choose_features, cluster, complete_share
from ml.segments.choose_k import StabilityRule
from ml.segments.evaluate import measure_shop
from ml.segments.feature_space import BEHAVIOUR_SET, HABITS_SET, RFM_SET, FeatureSpace
from ml.segments.features import FREQUENCY, MONETARY, RECENCY, Money, comparable_money
from ml.segments.habits import BASKET, habit_values
from ml.segments.history import HISTORY_COLUMNS, SegmentHistory
from ml.segments.naming import name_segments
from ml.segments.outliers import Outliers, find_outliers
from ml.segments.projection import project
from ml.segments.shop_fit import ShopFit
from ml.segments.stable_ids import MIGRATION_COLUMNS, match_segments, migrations
from ml.segments.tables import CUSTOMER_COLUMNS, SEGMENT_COLUMNS, SIZE_COLUMNS, customer_rows, segment_rows

__all__ = ["CUSTOMER_COLUMNS", "SEGMENT_COLUMNS", "SegmentationResult", "segment_customers"]

#: Raise when the code changes in a way that parameters and centres do not show.
CODE_VERSION = 3
#: Behaviour or habits are tried only where so many customers have all features: K-Means learns from those alone.
MIN_COMPLETE_SHARE = 0.5

_NEEDED = ("shop_id", "customer_id", "as_of", RECENCY, FREQUENCY, MONETARY, "currency")


@dataclass(frozen=True)
class SegmentationResult:
    """What :func:`segment_customers` gives: frames and the version of the model behind them.

    ``customers``, ``segments``, ``migrations``, ``evaluation`` have the columns of ``CUSTOMER_COLUMNS``,
    ``SEGMENT_COLUMNS``, ``MIGRATION_COLUMNS`` and ``EVALUATION_COLUMNS``, each shop's segments from best
    (recent, frequent, high spend) to worst. ``model_versions`` holds one version per shop, which the rows
    carry; ``model_version`` is the one shop's, or a hash over all of them. ``reasons`` says in words, per
    shop, why it has this number of segments.
    """

    customers: pd.DataFrame
    segments: pd.DataFrame
    evaluation: pd.DataFrame
    migrations: pd.DataFrame
    model_version: str
    model_versions: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def history(self) -> pd.DataFrame:
        """Who is in which segment, as the next run wants to know it (``HISTORY_COLUMNS``)."""
        return self.customers[list(HISTORY_COLUMNS)]

    def sizes(self) -> pd.DataFrame:
        """This run's segments as ``ml.segment_sizes`` keeps them (``SIZE_COLUMNS``)."""
        return self.segments[list(SIZE_COLUMNS)]


def segment_customers(
    rfm: pd.DataFrame,
    random_state: int = 42,
    rule: StabilityRule | None = None,
    behaviour: pd.DataFrame | None = None,
    history: SegmentHistory | None = None,
) -> SegmentationResult:
    """Segment each shop's customers by K-Means on RFM, with behaviour where that finds more stable segments.

    Parameters
    ----------
    rfm : one row per customer, with at least ``shop_id, customer_id, as_of, recency_days`` (days),
        ``frequency`` (orders), ``monetary_minor`` (net, minor units of ``currency``, null when unknown) and
        ``currency``. ``value_group`` is compared with where present. Row order does not matter.
    random_state : seed of everything drawn. ``rule`` : how the number of segments is chosen.
    behaviour : one row per customer (``shop_id, customer_id`` and those of
        ``ml.segments.inputs.SOURCES`` that are there); customers without a row are unknown.
    history : earlier runs, by which segments keep their numbers; those of the same or a later date do not
        count, so that running a day again gives the same numbers. Without it they count from 1, best first.

    Raises ``ValueError`` where a column is missing, a customer occurs twice, recency or frequency is null
    or negative, or a shop has more than one ``as_of``. No rows in give no rows out; a shop too small or too
    uniform to cluster gets one segment, "All customers", and its reason says why.
    """
    _check(rfm)
    rule = rule or StabilityRule()
    history = history or SegmentHistory.empty()
    ordered = rfm.sort_values(["shop_id", "customer_id"], ignore_index=True)
    values = _values_of(ordered, behaviour)
    customers: list[pd.DataFrame] = []
    segments: list[pd.DataFrame] = []
    moves: list[pd.DataFrame] = []
    measured: list[Measured] = []
    versions: dict[str, str] = {}
    reasons: dict[str, str] = {}
    with threadpool_limits(limits=1):
        for name, shop in ordered.groupby("shop_id", sort=True):
            of_shop = values.loc[shop.index].reset_index(drop=True)
            fit = _fit_shop(str(name), shop.reset_index(drop=True), of_shop, history, random_state, rule)
            customers.append(customer_rows(fit))
            segments.append(segment_rows(fit))
            moves.extend(
                migrations(fit.shop_id, before, customers[-1]) for before in history.runs(fit.shop_id, fit.as_of)
            )
            measured.extend(measure_shop(fit))
            versions[fit.shop_id] = fit.model_version
            reasons[fit.shop_id] = fit.segmenter.choice_.reason
    version = next(iter(versions.values())) if len(versions) == 1 else _hash(versions)
    return SegmentationResult(
        customers=_stacked(customers, CUSTOMER_COLUMNS),
        segments=_stacked(segments, SEGMENT_COLUMNS),
        evaluation=evaluation_frame(measured)[list(EVALUATION_COLUMNS)],
        migrations=_stacked(moves, MIGRATION_COLUMNS),
        model_version=version,
        model_versions=versions,
        reasons=reasons,
    )


def _fit_shop(
    shop_id: str,
    shop: pd.DataFrame,
    behaviour: pd.DataFrame,
    history: SegmentHistory,
    random_state: int,
    rule: StabilityRule,
) -> ShopFit:
    money = comparable_money(shop)
    choice, skipped = _choose(shop, money, behaviour, random_state, rule)
    best = choice.best
    labels, distances = best.segmenter.nearest(best.X)
    units = best.space.in_units(best.segmenter.centers_)
    currency = money.currency if {MONETARY, BASKET} & set(best.space.columns_) else None
    as_of = pd.Timestamp(shop["as_of"].iloc[0]).date()
    filled = np.where(np.isnan(best.X), best.segmenter.centers_[labels], best.X)
    ids = shop["customer_id"].to_numpy(dtype=object)
    version = _hash(
        {
            "code": CODE_VERSION,
            "shop_id": shop_id,
            "as_of": as_of.isoformat(),
            "random_state": random_state,
            "rule": asdict(rule),
            "features": {
                "scale_quantile": best.space.rfm_.scale_quantile,
                "columns": best.space.columns_,
                "currency": currency,
            },
            # Significant digits, not all bits: the last ones may differ between processors.
            "centers": [[f"{value:.6g}" for value in center] for center in units],
        }
    )
    return ShopFit(
        shop_id=shop_id,
        as_of=as_of,
        shop=shop,
        behaviour=behaviour,
        money=money,
        choice=choice,
        labels=labels,
        distances=distances,
        units=units,
        names=name_segments(best.segmenter.centers_, units, best.space.columns_, currency),
        segment_ids=match_segments(ids, labels, history.previous(shop_id, as_of), history.greatest_id(shop_id, as_of)),
        outliers=_outliers(filled, random_state),
        projection=project(filled),
        currency=currency,
        random_state=random_state,
        rule=rule,
        model_version=version,
        skipped=skipped,
    )


def _choose(
    shop: pd.DataFrame, money: Money, behaviour: pd.DataFrame, random_state: int, rule: StabilityRule
) -> tuple[FeatureChoice, dict[str, str]]:
    """The clustering by the best features, and why a set of features was not tried."""
    simple = FeatureSpace(RFM_SET).fit(shop, money)
    compared = [cluster(simple, simple.transform(shop, money), random_state, rule)]
    skipped: dict[str, str] = {}
    for name, called, needed in ((BEHAVIOUR_SET, "no behaviour is", 1), (HABITS_SET, "fewer than two habits are", 2)):
        space = FeatureSpace(name).fit(shop, money, behaviour)
        if sum(one.reason is None for one in space.usability_) < needed:
            told = "; ".join(f"{one.feature}: {one.reason}" for one in space.usability_ if one.reason is not None)
            skipped[name] = f"{called} usable ({told})"
            continue
        X = space.transform(shop, money, behaviour)
        known = complete_share(X)
        if known < MIN_COMPLETE_SHARE:
            skipped[name] = f"{known:.0%} of customers have all features, needed {MIN_COMPLETE_SHARE:.0%}"
        else:
            compared.append(cluster(space, X, random_state, rule))
    return choose_features(compared), skipped


def _outliers(X: Floats, random_state: int) -> Outliers:
    """Outliers of customers in any order: looked for in sorted order, so that names decide no sample."""
    order = np.lexsort(X.T[::-1])
    found = find_outliers(X[order], random_state=random_state)
    back = np.empty(len(X), dtype=bool)
    back[order] = found.is_outlier
    return Outliers(back, found.radius, found.neighbours, found.looked_at, found.reason)


def _values_of(ordered: pd.DataFrame, behaviour: pd.DataFrame | None) -> pd.DataFrame:
    """Behaviour and habits in their units for each customer of ``ordered``, NaN where unknown."""
    keys = ["shop_id", "customer_id"]
    if behaviour is None:
        return _all_values(ordered[keys])
    missing = [column for column in keys if column not in behaviour.columns]
    if missing:
        raise ValueError(f"behaviour: expected columns {', '.join(keys)}; missing {', '.join(missing)}")
    repeated = behaviour[behaviour.duplicated(keys)]
    if len(repeated):
        first = repeated.iloc[0]
        raise ValueError(
            f"behaviour: expected one row per customer, got {first['shop_id']}/{first['customer_id']} more than once"
        )
    known = behaviour[keys].join(_all_values(behaviour))
    joined = ordered[keys].merge(known, on=keys, how="left")
    joined.index = ordered.index
    return joined.drop(columns=keys)


def _all_values(features: pd.DataFrame) -> pd.DataFrame:
    return behaviour_values(features).join(habit_values(features))


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

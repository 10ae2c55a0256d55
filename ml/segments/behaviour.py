"""What customers do besides buying, as K-Means wants it: how often they come, how long they stay, how widely
they look, how much they wait for discounts. A feature is used only where it is known and tells customers apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.evaluation.intervals import Floats

VISITS, DWELL, BREADTH, DISCOUNTS = "visits_per_30_days", "minutes_per_visit", "categories_wanted", "discounted_share"
BEHAVIOUR = (VISITS, DWELL, BREADTH, DISCOUNTS)
#: Columns of ``features.feat_customers`` that the features are made of; ``visit_seconds_365d`` may be absent.
BEHAVIOUR_SOURCES = (
    "sessions_365d",
    "tenure_days",
    "visit_seconds_365d",
    "categories_wanted_90d",
    "discounted_share_of_orders",
)
#: +1 where more is better for the shop, -1 where less is, 0 where neither end is.
BEHAVIOUR_DIRECTIONS: dict[str, int] = {VISITS: 1, DWELL: 1, BREADTH: 1, DISCOUNTS: -1}
#: A customer of two days with two visits does not come thirty times a month: no shorter span is divided by.
SHORTEST_SPAN_DAYS = 30
LONGEST_SPAN_DAYS = 365


def behaviour_values(behaviour: pd.DataFrame) -> pd.DataFrame:
    """The columns of ``BEHAVIOUR`` in their own units, one row per row of ``behaviour``, NaN where unknown.

    - ``visits_per_30_days``: sessions of the last 365 days per 30 days since the customer is known (at
      least one month). Unknown without a session: who buys and is never seen is not a rare visitor.
    - ``minutes_per_visit``: minutes from first to last event of those sessions / sessions.
    - ``categories_wanted``: different categories put into the cart or saved in 90 days, unknown as above.
    - ``discounted_share``: orders with a coupon or a discount / orders placed.

    A source column that is absent gives an unknown feature.
    """
    sessions = source_numbers(behaviour, "sessions_365d")
    sessions = np.where(sessions > 0, sessions, np.nan)
    span = np.clip(source_numbers(behaviour, "tenure_days"), SHORTEST_SPAN_DAYS, LONGEST_SPAN_DAYS)
    return pd.DataFrame(
        {
            VISITS: sessions * 30 / span,
            DWELL: source_numbers(behaviour, "visit_seconds_365d") / 60 / sessions,
            BREADTH: np.where(np.isnan(sessions), np.nan, source_numbers(behaviour, "categories_wanted_90d")),
            DISCOUNTS: source_numbers(behaviour, "discounted_share_of_orders"),
        },
        index=behaviour.index,
    )


def source_numbers(frame: pd.DataFrame, column: str) -> Floats:
    """A column as floats of shape ``(rows,)``: NaN where null, and everywhere where the column is absent."""
    if column not in frame.columns:
        return np.full(len(frame), np.nan)
    numbers: Floats = pd.to_numeric(frame[column]).to_numpy(dtype=float, na_value=np.nan)
    return numbers


@dataclass(frozen=True)
class Usability:
    """Whether a feature is used, and why not in words (``None`` where it is)."""

    feature: str
    known_share: float
    differing_share: float
    reason: str | None


class BehaviourFeatures:
    """Standardised behaviour (scikit-learn style): counts and minutes as ``log1p``, the share as it is.

    Parameters
    ----------
    features : names of the features, columns of the values that are given.
    ratios : they are ratios above 0, taken as plain logarithms.
    min_known_share : a feature is used where at least this share of the customers have it.
    min_differing_share : and where at least this share differ from the commonest value: a feature in which
        nineteen of twenty are alike would cut off the twentieth and tell nothing of the others.

    Learned: ``columns_`` (features used, in the order of ``features``), ``usability_`` (all of them),
    ``mean_`` and ``std_`` (shape ``(features,)``).
    """

    def __init__(
        self,
        features: Sequence[str] = BEHAVIOUR,
        ratios: bool = False,
        min_known_share: float = 0.8,
        min_differing_share: float = 0.1,
    ) -> None:
        self.features = features
        self.ratios = ratios
        self.min_known_share = min_known_share
        self.min_differing_share = min_differing_share

    def fit(self, values: pd.DataFrame) -> BehaviourFeatures:
        """Learn which features are usable, their mean and spread, from values of one shop (``behaviour_values``)."""
        self.usability_ = tuple(self._judged(values[feature]) for feature in self.features)
        self.columns_ = tuple(judged.feature for judged in self.usability_ if judged.reason is None)
        logs = self._logs(values)
        self.mean_: Floats = np.nanmean(logs, axis=0) if self.columns_ else np.empty(0)
        self.std_: Floats = np.nanstd(logs, axis=0) if self.columns_ else np.empty(0)
        return self

    def transform(self, values: pd.DataFrame) -> Floats:
        """Features of shape ``(customers, len(columns_))``; NaN where unknown."""
        features: Floats = (self._logs(values) - self.mean_) / self.std_
        return features

    def in_units(self, centers: Floats) -> Floats:
        """Feature space back to the units of the values (shape kept)."""
        units = centers * self.std_ + self.mean_
        for position, feature in enumerate(self.columns_):
            if self.ratios:
                units[:, position] = np.exp(units[:, position])
            elif feature != DISCOUNTS:
                units[:, position] = np.expm1(units[:, position])
        return units

    def _judged(self, column: pd.Series) -> Usability:
        known = column[column.notna()].to_numpy()
        share = len(known) / len(column) if len(column) else 0.0
        differing = 1 - np.unique(known, return_counts=True)[1].max() / len(known) if len(known) else 0.0
        reason = None
        if share < self.min_known_share:
            reason = f"known for {share:.0%} of customers, needed {self.min_known_share:.0%}"
        elif differing < self.min_differing_share:
            reason = f"{1 - differing:.0%} of customers have the same value"
        return Usability(str(column.name), share, float(differing), reason)

    def _logs(self, values: pd.DataFrame) -> Floats:
        columns = [self._log(feature, values[feature].to_numpy(dtype=float)) for feature in self.columns_]
        return np.column_stack(columns) if columns else np.empty((len(values), 0))

    def _log(self, feature: str, values: Floats) -> Floats:
        if self.ratios:
            return np.log(values)
        return values if feature == DISCOUNTS else np.log1p(values)

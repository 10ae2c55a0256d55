"""The space that customers are clustered in: recency, frequency and money, alone or with behaviour; or habits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.evaluation.intervals import Floats
from ml.segments.behaviour import BEHAVIOUR, BEHAVIOUR_DIRECTIONS, BehaviourFeatures, Usability
from ml.segments.features import DIRECTIONS, Money, RfmFeatures
from ml.segments.habits import BASKET, HABIT_DIRECTIONS, HABITS

#: Names of the feature sets that are compared.
RFM_SET, BEHAVIOUR_SET, HABITS_SET = "rfm", "rfm_and_behaviour", "habits"
FEATURE_SETS = (RFM_SET, BEHAVIOUR_SET, HABITS_SET)


class FeatureSpace:
    """One shop's customers as rows of numbers, with the way back to units (scikit-learn style).

    ``name`` is one of ``FEATURE_SETS``; behaviour and habits are used as far as they are usable. Learned by
    ``fit``: ``columns_`` (names in order), ``directions_`` (+1, -1 or 0 per column, see ``DIRECTIONS``),
    ``rfm_`` (learned for every set: baselines are measured in it) and ``usability_`` (why each behaviour or
    habit is used or not; empty for RFM alone).
    """

    def __init__(self, name: str) -> None:
        if name not in FEATURE_SETS:
            raise ValueError(f"name: expected one of {', '.join(FEATURE_SETS)}, got {name!r}")
        self.name = name

    def fit(self, shop: pd.DataFrame, money: Money, values: pd.DataFrame | None = None) -> FeatureSpace:
        """Learn from one shop: ``shop`` has the columns of ``customer_rfm``; ``values``, in the same order, those
        of :func:`ml.segments.behaviour.behaviour_values` and :func:`ml.segments.habits.habit_values` (needed for
        all sets but RFM)."""
        self.rfm_ = RfmFeatures().fit(shop, money)
        self._rfm_columns: tuple[str, ...] = () if self.name == HABITS_SET else self.rfm_.columns_
        self.behaviour_: BehaviourFeatures | None = None
        if self.name != RFM_SET:
            habits = self.name == HABITS_SET
            features = BehaviourFeatures(HABITS if habits else BEHAVIOUR, ratios=habits)
            self.behaviour_ = features.fit(self._comparable(values, money))
        self.usability_: tuple[Usability, ...] = self.behaviour_.usability_ if self.behaviour_ else ()
        extra = self.behaviour_.columns_ if self.behaviour_ else ()
        self.columns_: tuple[str, ...] = (*self._rfm_columns, *extra)
        known = DIRECTIONS | BEHAVIOUR_DIRECTIONS | HABIT_DIRECTIONS
        self.directions_ = tuple(known[column] for column in self.columns_)
        return self

    def transform(self, shop: pd.DataFrame, money: Money, values: pd.DataFrame | None = None) -> Floats:
        """Features of shape ``(customers, len(columns_))``, NaN where unknown."""
        parts = [self.rfm_.transform(shop, money)] if self._rfm_columns else []
        if self.behaviour_ is not None:
            parts.append(self.behaviour_.transform(self._comparable(values, money)))
        return np.hstack(parts)

    def in_units(self, centers: Floats) -> Floats:
        """Feature space back to days, orders, minor units and the units of behaviour or habits (shape kept)."""
        width = len(self._rfm_columns)
        parts = [self.rfm_.in_units(centers[:, :width])] if width else []
        if self.behaviour_ is not None:
            parts.append(self.behaviour_.in_units(centers[:, width:]))
        return np.hstack(parts)

    def _comparable(self, values: pd.DataFrame | None, money: Money) -> pd.DataFrame:
        """``values`` with the worth of orders in another currency than most customers' unknown, as in ``money``."""
        if values is None:
            raise ValueError("values: expected the customers' behaviour and habits, got none")
        if self.name != HABITS_SET:
            return values
        return values.assign(**{BASKET: values[BASKET].where(~np.isnan(money.amounts))})

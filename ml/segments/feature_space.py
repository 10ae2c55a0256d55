"""The space that customers are clustered in: recency, frequency and money alone, or with behaviour beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.evaluation.intervals import Floats
from ml.segments.behaviour import BEHAVIOUR_DIRECTIONS, BehaviourFeatures, Usability
from ml.segments.features import DIRECTIONS, Money, RfmFeatures

#: Names of the two feature sets that are compared.
RFM_SET, BEHAVIOUR_SET = "rfm", "rfm_and_behaviour"


class FeatureSpace:
    """One shop's customers as rows of numbers, with the way back to units (scikit-learn style).

    ``behaviour`` says whether behaviour is used beside RFM, as far as it is usable. Learned by ``fit``:
    ``columns_`` (names in order), ``directions_`` (+1, -1 or 0 per column, see ``DIRECTIONS``), ``rfm_``
    and ``usability_`` (why each behaviour is used or not; empty for RFM alone).
    """

    def __init__(self, behaviour: bool) -> None:
        self.behaviour = behaviour

    @property
    def name(self) -> str:
        """``RFM_SET`` or ``BEHAVIOUR_SET``."""
        return BEHAVIOUR_SET if self.behaviour else RFM_SET

    def fit(self, shop: pd.DataFrame, money: Money, values: pd.DataFrame | None = None) -> FeatureSpace:
        """Learn from one shop: ``shop`` has the columns of ``customer_rfm``, ``values`` those of
        :func:`ml.segments.behaviour.behaviour_values` in the same order (needed with ``behaviour``)."""
        if self.behaviour and values is None:
            raise ValueError("values: expected the customers' behaviour, got none")
        self.rfm_ = RfmFeatures().fit(shop, money)
        self.behaviour_ = BehaviourFeatures().fit(values) if self.behaviour and values is not None else None
        self.usability_: tuple[Usability, ...] = self.behaviour_.usability_ if self.behaviour_ else ()
        extra = self.behaviour_.columns_ if self.behaviour_ else ()
        self.columns_: tuple[str, ...] = (*self.rfm_.columns_, *extra)
        known = DIRECTIONS | BEHAVIOUR_DIRECTIONS
        self.directions_ = tuple(known[column] for column in self.columns_)
        return self

    def transform(self, shop: pd.DataFrame, money: Money, values: pd.DataFrame | None = None) -> Floats:
        """Features of shape ``(customers, len(columns_))``, NaN where unknown."""
        X = self.rfm_.transform(shop, money)
        if self.behaviour_ is None or values is None:
            return X
        return np.hstack([X, self.behaviour_.transform(values)])

    def in_units(self, centers: Floats) -> Floats:
        """Feature space back to days, orders, minor units and the units of behaviour (shape kept)."""
        width = len(self.rfm_.columns_)
        units = self.rfm_.in_units(centers[:, :width])
        if self.behaviour_ is None:
            return units
        return np.hstack([units, self.behaviour_.in_units(centers[:, width:])])

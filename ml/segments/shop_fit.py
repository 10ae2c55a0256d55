"""One shop's fitted segmentation with all that its tables are made of."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import pandas as pd

from ml.evaluation.clustering import Labels
from ml.evaluation.intervals import Floats
from ml.segments.choose_features import FeatureChoice
from ml.segments.choose_k import StabilityRule
from ml.segments.feature_space import FeatureSpace
from ml.segments.features import Money
from ml.segments.model import CustomerSegmenter
from ml.segments.naming import SegmentName
from ml.segments.outliers import Outliers
from ml.segments.projection import Projection


@dataclass(frozen=True)
class ShopFit:
    """One shop's segmentation.

    ``shop`` is sorted by customer; ``behaviour`` (values in their units), ``X``, ``labels`` (0-based, the
    best cluster first), ``distances``, ``outliers`` and ``projection`` are in its order; ``units`` are the
    centres in days, orders, minor units of ``currency`` and the units of behaviour; ``segment_ids`` the
    clusters' numbers that last. ``choice`` holds the feature sets that were compared; ``skipped`` says per
    set that was not tried why.
    """

    shop_id: str
    as_of: dt.date
    shop: pd.DataFrame
    behaviour: pd.DataFrame
    money: Money
    choice: FeatureChoice
    labels: Labels
    distances: Floats
    units: Floats
    names: list[SegmentName]
    segment_ids: list[int]
    outliers: Outliers
    projection: Projection
    currency: str | None
    random_state: int
    rule: StabilityRule
    model_version: str
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def space(self) -> FeatureSpace:
        """The feature space that was taken."""
        return self.choice.best.space

    @property
    def segmenter(self) -> CustomerSegmenter:
        """The clustering that was taken."""
        return self.choice.best.segmenter

    @property
    def X(self) -> Floats:
        """The customers in the space that was taken, shape ``(customers, features)``, NaN unknown."""
        return self.choice.best.X

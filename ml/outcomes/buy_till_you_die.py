"""BG/NBD as one of the candidates: P(no purchase in the horizon), or that of one, from a customer's history."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

from ml.evaluation.intervals import Floats
from ml.value.bgnbd import BGNBD

#: What a history is made of.
HISTORY = ("order_days", "days_since_first_order", "days_since_last_order")


class BgNbdClassifier(ClassifierMixin, BaseEstimator):
    """A classifier in scikit-learn's sense over the columns of ``HISTORY`` (raw: days and counts).

    The labels teach it nothing: its parameters are those of the histories alone. Rows of one customer at
    several dates count as so many customers, which shifts the parameters little, and its calibration (see
    ``Candidate.calibrate``) takes care of what is left.

    Parameters
    ----------
    horizon_days : days ahead. ``happens_on_order`` : whether class 1 is to buy within them, or not to.
    """

    def __init__(self, horizon_days: int = 90, happens_on_order: bool = False) -> None:
        self.horizon_days = horizon_days
        self.happens_on_order = happens_on_order

    def fit(self, X: pd.DataFrame, y: npt.ArrayLike) -> BgNbdClassifier:
        """Maximum likelihood over the rows' histories; raises ``NotEnoughData`` as ``BGNBD.fit`` does."""
        self.classes_ = np.unique(np.asarray(y))
        self.usual_ = X[list(HISTORY)].median().fillna(1.0)
        self.model_ = BGNBD().fit(*self._histories(X))
        return self

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """Shape ``(n, 2)``: the chance of class 0 and of class 1."""
        silent = np.clip(self.model_.probability_no_purchase(float(self.horizon_days), *self._histories(X)), 0.0, 1.0)
        columns = (silent, 1 - silent) if self.happens_on_order else (1 - silent, silent)
        return np.column_stack(columns)

    def predict(self, X: pd.DataFrame) -> npt.NDArray[np.int64]:
        """The likelier class."""
        return (self.predict_proba(X)[:, 1] >= 0.5).astype(np.int64)

    def _histories(self, X: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
        """Repeat purchases, when the last was, and since when; unknown is as usual, and impossible is cut to fit."""
        known = X[list(HISTORY)].fillna(self.usual_)
        frequency = np.maximum(np.floor(known["order_days"].to_numpy(dtype=float)) - 1, 0.0)
        age = np.maximum(known["days_since_first_order"].to_numpy(dtype=float), 1.0)
        recency = np.clip(age - known["days_since_last_order"].to_numpy(dtype=float), 0.0, age)
        recency = np.where(frequency > 0, recency, 0.0)
        return frequency, recency, age

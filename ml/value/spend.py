"""Regressions of what a customer does over the next H days on everything known of them at the cut.

Targets are counts or amounts with many zeros and a long tail, so every loss is one whose best answer is the
mean of such a target: Tweedie, Poisson, gamma. A squared error would follow the few greatest customers, and a
regression of log(1 + spend) would answer with something below the mean.

Sources: B. Jorgensen, "Exponential dispersion models" (1987), for the Tweedie family; N. Duan et al., "A
comparison of alternative models for the demand for medical care" (1983),
https://doi.org/10.1080/07350015.1983.10509330, for the two-part model.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import TweedieRegressor
from threadpoolctl import threadpool_limits

from ml.evaluation.clustering import sample_rows
from ml.value.cuts import ORDERS, VALUE, Cut
from ml.value.histories import FEWEST_REPEATERS, Floats
from ml.value.naive import known_outcomes

#: Rows that a regression learns from at most.
MOST_ROWS = 40_000
_NOT_FEATURES = frozenset({"shop_id", "customer_id", "as_of", ORDERS, VALUE})


def feature_names(features: pd.DataFrame) -> list[str]:
    """The columns that models learn from: every number but keys and outcomes, in the frame's order."""
    return [
        str(name)
        for name, kind in features.dtypes.items()
        if str(name) not in _NOT_FEATURES and pd.api.types.is_numeric_dtype(kind)
    ]


def feature_matrix(features: pd.DataFrame, names: Sequence[str]) -> Floats:
    """Columns ``names`` as floats, shape ``(n, len(names))``, NaN where null."""
    columns = [features[name].to_numpy(dtype=float, na_value=np.nan) for name in names]
    return np.column_stack(columns) if columns else np.empty((len(features), 0))


class _Regression:
    """What the regressions share: which rows and columns are learned from, and the target's scale."""

    name = ""

    def __init__(self, random_state: int = 42) -> None:
        self.random_state = random_state

    def fit(self, target: str, learned: Sequence[Cut], now: Cut) -> Self:
        """See ``OutcomeModel``. Learns ``features_``, ``unit_`` (mean outcome) and ``greatest_``: no prediction
        goes past the greatest outcome seen, however far a customer lies outside of what was learned from."""
        rows, outcomes = known_outcomes(target, learned)
        chosen = sample_rows(len(rows), MOST_ROWS, self.random_state)
        rows, outcomes = rows.iloc[chosen], np.maximum(outcomes[chosen], 0.0)
        self.target_ = target
        self.features_ = feature_names(rows)
        self.unit_ = float(outcomes.mean())
        self.greatest_ = float(outcomes.max())
        with threadpool_limits(limits=1):
            self._learn(feature_matrix(rows, self.features_), outcomes / self.unit_)
        return self

    def predict(self, features: pd.DataFrame) -> Floats:
        """Shape ``(n,)``; see ``OutcomeModel``."""
        if features.empty:
            return np.empty(0)
        with threadpool_limits(limits=1):
            expected = self._expected(feature_matrix(features, self.features_)) * self.unit_
        return np.clip(expected, 0.0, self.greatest_)

    def _learn(self, X: Floats, y: Floats) -> None:
        raise NotImplementedError

    def _expected(self, X: Floats) -> Floats:
        raise NotImplementedError


class RidgeTweedie(_Regression):
    """Linear in the logarithms of the features, squared coefficients held down by ``alpha``; Tweedie deviance
    with ``power`` 1.5 (between Poisson's 1 and gamma's 2: zeros and a continuous tail).

    Learned: ``mean_``, ``std_``, ``fill_`` (shape ``(features,)``), ``gaps_`` (columns with a gap, each of which
    gets a second column that says so), ``model_``.
    """

    name = "ridge_tweedie"

    def __init__(self, random_state: int = 42, alpha: float = 0.1, power: float = 1.5) -> None:
        super().__init__(random_state)
        self.alpha = alpha
        self.power = power

    def _learn(self, X: Floats, y: Floats) -> None:
        logs = _signed_log(X)
        gaps = np.isnan(logs)
        self.gaps_ = np.flatnonzero(gaps.any(axis=0))
        self.fill_ = np.array([np.median(c[~np.isnan(c)]) if (~np.isnan(c)).any() else 0.0 for c in logs.T])
        design = self._design(X)
        self.mean_ = design.mean(axis=0)
        spread = design.std(axis=0)
        # a column that never varies says nothing: it becomes 0, not 0/0
        self.std_ = np.where(spread > 1e-9 * np.maximum(1.0, np.abs(self.mean_)), spread, np.inf)
        model = TweedieRegressor(power=self.power, alpha=self.alpha, link="log", solver="newton-cholesky", max_iter=200)
        with warnings.catch_warnings():
            # a search cut short is still a model, which the comparison may turn down
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.model_ = model.fit((design - self.mean_) / self.std_, y)

    def _expected(self, X: Floats) -> Floats:
        # newton's exponent is held where exp stays finite; predict clips what is far beyond anything seen
        linear = (self._design(X) - self.mean_) / self.std_ @ self.model_.coef_ + self.model_.intercept_
        expected: Floats = np.exp(np.minimum(linear, 50.0))
        return expected

    def _design(self, X: Floats) -> Floats:
        logs = _signed_log(X)
        gaps = np.isnan(logs)
        return np.column_stack([np.where(gaps, self.fill_, logs), gaps[:, self.gaps_].astype(float)])


class Boosted(_Regression):
    """Gradient boosting with Poisson deviance, which is right for the mean of any target of 0 and more."""

    name = "boosted_poisson"

    def _learn(self, X: Floats, y: Floats) -> None:
        self.model_ = HistGradientBoostingRegressor(loss="poisson", random_state=self.random_state, **_TREES)
        self.model_.fit(_without_blanks(X), y)

    def _expected(self, X: Floats) -> Floats:
        expected: Floats = self.model_.predict(X)
        return expected


class TwoPart(_Regression):
    """P(buys at all) by boosting, times what buyers spend by boosting with gamma deviance.

    Where fewer than ten did not buy, or none did in a way that tells them apart, the first part is a constant.
    """

    name = "boosted_two_part"

    def _learn(self, X: Floats, y: Floats) -> None:
        bought = y > 0
        self.share_ = float(bought.mean())
        self.buys_: HistGradientBoostingClassifier | None = None
        if min(bought.sum(), (~bought).sum()) >= FEWEST_REPEATERS:
            self.buys_ = HistGradientBoostingClassifier(random_state=self.random_state, **_TREES)
            self.buys_.fit(_without_blanks(X), bought)
        self.model_ = HistGradientBoostingRegressor(loss="gamma", random_state=self.random_state, **_TREES)
        self.model_.fit(_without_blanks(X[bought]), y[bought])

    def _expected(self, X: Floats) -> Floats:
        share = self.share_ if self.buys_ is None else self.buys_.predict_proba(X)[:, 1]
        expected: Floats = share * self.model_.predict(X)
        return expected


#: Small trees, slow steps, no early stopping on a random part of the rows: a shop may have a few hundred customers.
_TREES = {
    "max_iter": 120,
    "learning_rate": 0.05,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 20,
    "l2_regularization": 1.0,
    "early_stopping": False,
}


def _without_blanks(X: Floats) -> Floats:
    """Columns that are never known become 0: scikit-learn 1.9 cannot bin a column of nothing but NaN."""
    return np.where(np.isnan(X).all(axis=0), 0.0, X)


def _signed_log(X: Floats) -> Floats:
    """log(1 + x) for both signs: net spend of a month may be below 0."""
    logs: Floats = np.sign(X) * np.log1p(np.abs(X))
    return logs

"""Which features are worth having: how few of them reach how good a logistic regression.

Two ways: the lasso path (R. Tibshirani 1996; a stronger penalty keeps fewer) and recursive elimination (I. Guyon et
al., "Gene selection for cancer classification using support vector machines", 2002,
https://doi.org/10.1023/A:1012487302797). Both learn before the newest test date and are judged on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from ml.evaluation.classification import auc
from ml.evaluation.intervals import Estimate, Floats
from ml.evaluation.origins import Cut, stacked
from ml.evaluation.resamples import estimates
from ml.learners.columns import as_features, preprocessor

#: Inverse penalties of the lasso path, and numbers of features that elimination goes down to.
_L1_STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1)
_RFE_SIZES = (2, 4, 8, 16)
#: Rows learned from and judged on: what is kept hardly changes with more.
_ROWS = 8_000
_RESAMPLES = 200


@dataclass(frozen=True)
class Selection:
    """One choice of features: ``method`` (its name and setting), what it ``kept``, and the ``auc`` they reach."""

    method: str
    kept: tuple[str, ...]
    auc: Estimate | None


def select_features(cut: Cut, columns: Sequence[str], *, random_state: int = 42) -> list[Selection]:
    """The lasso path and recursive elimination over ``columns`` (numbers), learned and judged on ``cut``.

    An indicator "this was unknown" is named after its feature. A choice that keeps nothing has no AUC.
    """
    frame, y = stacked(cut.training, _ROWS, random_state)
    test, truth = stacked([cut.test], _ROWS, random_state)
    if len(np.unique(y)) < 2 or len(np.unique(truth)) < 2:
        return []
    reader = preprocessor(columns)
    with threadpool_limits(limits=1):
        X = reader.fit_transform(as_features(frame, columns))
        held_out = reader.transform(as_features(test, columns))
        names = [str(name) for name in reader.get_feature_names_out()]
        found = []
        for strength in _L1_STRENGTHS:
            lasso = LogisticRegression(
                l1_ratio=1.0, C=strength, solver="liblinear", max_iter=500, random_state=random_state
            )
            lasso.fit(X, y)
            kept = np.flatnonzero(lasso.coef_[0])
            found.append(_judged(f"l1_C={strength:g}", kept, names, lasso.decision_function(held_out), truth))
        plain = LogisticRegression(C=1.0, max_iter=1000, random_state=random_state)
        for size in (one for one in _RFE_SIZES if one < len(names)):
            eliminated = RFE(estimator=plain, n_features_to_select=size, step=max(1, len(names) // 15)).fit(X, y)
            scores = eliminated.decision_function(held_out)
            found.append(_judged(f"rfe_{size}", np.flatnonzero(eliminated.support_), names, scores, truth))
    return found


def _judged(method: str, kept: np.ndarray, names: list[str], scores: Floats, truth: Floats) -> Selection:
    if not len(kept):
        return Selection(method, (), None)
    # As ranks: the measure tells scores apart to a fixed number of decimals, and ranks need not be probabilities.
    ranks = pd.Series(np.round(scores, 9)).rank().to_numpy(dtype=np.float64)
    figure = estimates({"auc": auc(truth, np.asarray(ranks, dtype=np.float64))}, len(truth), n_resamples=_RESAMPLES)[
        "auc"
    ]
    return Selection(method, tuple(names[index] for index in kept), figure)

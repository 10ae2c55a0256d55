"""One fitted classifier: features in, calibrated probabilities out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline, make_pipeline
from threadpoolctl import threadpool_limits

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Floats
from ml.learners.candidates import Candidate
from ml.learners.columns import as_features, made_of, preprocessor

#: Rows of the rarer kind without which nothing is learned.
FEWEST_OF_EACH = 20
_FOLDS = 5


class ProbabilityModel:
    """A candidate fitted to one shop's rows.

    Parameters
    ----------
    candidate : what is fitted. ``numeric`` and ``categorical`` : the columns there are; the candidate may
        use fewer. ``random_state`` : seed of everything drawn.

    Scores of a candidate that states no probabilities are calibrated by a logistic curve (J. Platt, 1999)
    learned on scores out of fold, with all rows of a group (a customer at several dates) in one fold.

    Learned by ``fit``: ``pipeline_``, ``numeric_`` and ``categorical_`` (columns used), ``base_rate_``,
    ``reference_`` (a typical row, shape ``(columns,)``: medians and commonest categories).
    """

    def __init__(
        self, candidate: Candidate, numeric: Sequence[str], categorical: Sequence[str] = (), random_state: int = 42
    ) -> None:
        self.candidate = candidate
        self.numeric = tuple(numeric)
        self.categorical = tuple(categorical)
        self.random_state = random_state

    def fit(self, frame: pd.DataFrame, y: npt.ArrayLike, groups: npt.ArrayLike | None = None) -> ProbabilityModel:
        """Learn from ``frame`` (one row per case) and ``y`` (shape ``(n,)``, 0 or 1).

        Raises ``NotEnoughData`` with fewer than ``FEWEST_OF_EACH`` rows of either kind, ``ValueError`` where
        a column is missing.
        """
        truth = np.asarray(y, dtype=np.int64)
        positives = int(truth.sum())
        if min(positives, len(truth) - positives) < FEWEST_OF_EACH:
            raise NotEnoughData(
                "cases to learn from",
                f"at least {FEWEST_OF_EACH} that happened and {FEWEST_OF_EACH} that did not",
                f"{positives} and {len(truth) - positives}",
            )
        wanted = self.candidate.features
        self.numeric_ = [name for name in self.numeric if wanted is None or name in wanted]
        self.categorical_ = [name for name in self.categorical if wanted is None or name in wanted]
        X = as_features(frame, self.numeric_, self.categorical_)
        with threadpool_limits(limits=1), warnings.catch_warnings():
            # A fit that was stopped by its number of steps is judged by its back-test like any other.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.pipeline_ = self._pipeline(truth, groups).fit(X, truth)
        if self.candidate.calibrate:
            # The rows of the folds are no part of the model, and would be saved with it.
            self.pipeline_[-1].cv = _FOLDS
        self.base_rate_ = float(truth.mean())
        typical: dict[str, object] = {name: X[name].median() for name in self.numeric_}
        typical |= {name: X[name].mode().iloc[0] for name in self.categorical_}
        self.reference_ = pd.Series(typical, dtype=object)
        return self

    def predict_proba(self, frame: pd.DataFrame) -> Floats:
        """Probability for each row of ``frame``, shape ``(n,)``; unknown values and new categories are allowed."""
        if len(frame) == 0:
            return np.empty(0)
        X = as_features(frame, self.numeric_, self.categorical_)
        with threadpool_limits(limits=1), warnings.catch_warnings():
            # A category that was never seen is "another one", as promised; that is no news.
            warnings.filterwarnings("ignore", message="Found unknown categories", category=UserWarning)
            probabilities: Floats = self.pipeline_.predict_proba(X)[:, 1]
        return np.clip(probabilities, 0.0, 1.0)

    def matrix(self, frame: pd.DataFrame) -> Floats:
        """What the classifier itself reads of ``frame``, shape ``(n, columns of the matrix)``; see ``of_matrix``."""
        X = as_features(frame, self.numeric_, self.categorical_)
        if self.candidate.raw:
            return X.to_numpy()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Found unknown categories", category=UserWarning)
            read: Floats = self.pipeline_[:-1].transform(X)
        return read

    def of_matrix(self, matrix: Floats) -> Floats:
        """``predict_proba`` of the frame whose :meth:`matrix` this is, for who changes parts of it many times over."""
        if len(matrix) == 0:
            return np.empty(0)
        rows = pd.DataFrame(matrix, columns=[*self.numeric_, *self.categorical_]) if self.candidate.raw else matrix
        with threadpool_limits(limits=1):
            probabilities: Floats = self.pipeline_[-1].predict_proba(rows)[:, 1]
        return np.clip(probabilities, 0.0, 1.0)

    def places(self, columns: Sequence[str]) -> npt.NDArray[np.int64]:
        """Which columns of the ``matrix`` are made of ``columns``: numbers, their indicators of gaps, categories."""
        if self.candidate.raw:
            sources = [*self.numeric_, *self.categorical_]
        else:
            sources = made_of(self.pipeline_[0], self.numeric_, self.categorical_)
        return np.flatnonzero(np.isin(np.asarray(sources, dtype=object), list(columns)))

    def _pipeline(self, truth: npt.NDArray[np.int64], groups: npt.ArrayLike | None) -> Pipeline:
        classifier = self.candidate.build(self.random_state)
        if self.candidate.calibrate:
            classifier = CalibratedClassifierCV(
                estimator=classifier, method="sigmoid", cv=self._folds(truth, groups), ensemble=False
            )
        if self.candidate.raw:
            return make_pipeline(classifier)
        return make_pipeline(preprocessor(self.numeric_, self.categorical_), classifier)

    def _folds(
        self, truth: npt.NDArray[np.int64], groups: npt.ArrayLike | None
    ) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Folds with about the same share of positives, a group's rows in one of them; raises ``NotEnoughData``."""
        owner = np.arange(len(truth)) if groups is None else pd.factorize(pd.Series(np.asarray(groups)))[0]
        positives = np.bincount(owner, weights=truth)
        sizes = np.bincount(owner)
        with_positive, with_negative = int((positives > 0).sum()), int((positives < sizes).sum())
        if min(with_positive, with_negative) < _FOLDS:
            raise NotEnoughData(
                "different cases to calibrate on", f"{_FOLDS} of each kind", f"{with_positive} and {with_negative}"
            )
        # Dealt out like cards that were sorted by share of positives and shuffled where that is the same.
        shuffled = np.random.default_rng(self.random_state).permutation(len(sizes))
        dealt = shuffled[np.argsort((positives / sizes)[shuffled], kind="stable")]
        fold_of = np.empty(len(sizes), dtype=np.int64)
        fold_of[dealt] = np.arange(len(sizes)) % _FOLDS
        member = fold_of[owner]
        return [(np.flatnonzero(member != fold), np.flatnonzero(member == fold)) for fold in range(_FOLDS)]

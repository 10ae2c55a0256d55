"""Who stands for the intent of a session: naive rules, a few telling columns, the general classifiers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.tree import DecisionTreeClassifier

from ml.evaluation.intervals import Floats
from ml.learners.candidates import Candidate, classifiers, logit

BASE_RATE, CARTED_ALREADY, ONE_COLUMN = "base_rate", "carted_already", "one_column"
#: What a person would look at first.
FEW_COLUMNS = (
    "cart_adds",
    "checkouts",
    "product_views",
    "most_viewed",
    "past_orders",
    "past_cart_adds",
    "is_known_customer",
    "seconds_since_start",
)


class OneColumn(ClassifierMixin, BaseEstimator):
    """The one column that tells most by itself, cut into at most four ranges: a rule that fits on a note.

    Each column gets a tree of depth two; the one with the least log-loss on the rows learned from is kept.

    Learned by ``fit``: ``column_`` (its number), ``tree_``, ``classes_``.
    """

    def __init__(self, min_samples_leaf: int = 50, random_state: int | None = None) -> None:
        self.min_samples_leaf = min_samples_leaf
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> OneColumn:
        """Learn from ``X`` (shape ``(n, columns)``) and ``y`` (shape ``(n,)``, two classes)."""
        matrix, truth = np.asarray(X, dtype=float), np.asarray(y)
        self.classes_, codes = np.unique(truth, return_inverse=True)
        losses = np.empty(matrix.shape[1])
        trees = []
        for column in range(matrix.shape[1]):
            tree = DecisionTreeClassifier(
                max_depth=2, min_samples_leaf=self.min_samples_leaf, random_state=self.random_state
            ).fit(matrix[:, [column]], truth)
            chance = tree.predict_proba(matrix[:, [column]])[np.arange(len(codes)), codes]
            losses[column] = -np.log(np.clip(chance, 1e-9, 1.0)).mean()
            trees.append(tree)
        # Rounded, so that columns which say the same are told apart by their order and not by a last bit.
        self.column_ = int(np.argmin(np.round(losses, 9)))
        self.tree_ = trees[self.column_]
        return self

    def predict_proba(self, X: npt.ArrayLike) -> Floats:
        """Shape ``(n, 2)``: the chance of each class."""
        chances: Floats = self.tree_.predict_proba(np.asarray(X, dtype=float)[:, [self.column_]])
        return chances

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[np.object_]:
        """The likelier class."""
        found: npt.NDArray[np.object_] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return found


def session_candidates(
    columns: Sequence[str], sequence: Callable[[int], ClassifierMixin] | None = None
) -> tuple[Candidate, ...]:
    """Everyone who can stand where ``columns`` vary, baselines (simplicity 0) first.

    ``sequence`` builds a sequence model; it stands last, so that of those that tie it never serves. It reads the
    steps as well, which are nothing to the others: their counts are among ``columns`` already.
    """
    simple = [
        Candidate(BASE_RATE, 0, _base_rate),
        Candidate(CARTED_ALREADY, 0, logit(100.0), ("has_carted",)),
        Candidate(ONE_COLUMN, 0, _one_column),
        Candidate("few_columns_logit", 1, logit(), FEW_COLUMNS),
    ]
    known = set(columns)
    standing = [
        replace(one, features=tuple(name for name in one.features or columns if name in known))
        for one in classifiers(simple)
        if one.features is None or known & set(one.features)
    ]
    if sequence is not None:
        hardest = max(one.simplicity for one in standing)
        standing.append(Candidate("gru", hardest + 1, sequence, raw=True))
    return tuple(standing)


def _base_rate(seed: int) -> ClassifierMixin:
    return DummyClassifier(strategy="prior", random_state=seed)


def _one_column(seed: int) -> ClassifierMixin:
    return OneColumn(random_state=seed)

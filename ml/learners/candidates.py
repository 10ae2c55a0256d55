"""The classifiers that compete, each with how simple it is: of two that tie, the simpler one serves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sklearn.base import ClassifierMixin
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

_TREES = 100
#: What the blend is the mean of, candidates of :func:`classifiers` with their weights.
BLENDED = (("gradient_boosting", 2), ("random_forest", 1), ("logit", 1))


@dataclass(frozen=True)
class Candidate:
    """A way to learn probabilities.

    ``simplicity`` ranks candidates, 1 the simplest. ``build`` makes the unfitted classifier from a seed.
    ``features`` limits it to some columns (``None``: all that there are). ``calibrate`` says that its
    scores are not probabilities until they are calibrated out of fold. ``raw`` gives it the numbers as they
    are (no logarithm, NaN where unknown), for models that know what days and counts are. ``mean_of`` says of a
    blend which candidates it is the mean of, and their weights: where all of them were fitted already, so is it.
    Models are saved, so ``build`` must be something that pickle finds again by name, not a lambda.
    """

    name: str
    simplicity: int
    build: Callable[[int], ClassifierMixin]
    features: tuple[str, ...] | None = None
    calibrate: bool = False
    raw: bool = False
    mean_of: tuple[tuple[str, int], ...] = ()


def logit(C: float = 1.0) -> Callable[[int], ClassifierMixin]:
    """Logistic regression with a ridge penalty of ``1 / C``."""
    return partial(_logit, C)


def gradient_boosting(seed: int) -> ClassifierMixin:
    """Histogram gradient boosting, held small: shops have thousands of customers, not millions.

    Each split looks at a part of the columns, so that a strong one does not hide the others: what it learned
    then holds longer when that column's meaning moves.
    """
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=100,
        max_leaf_nodes=15,
        min_samples_leaf=30,
        max_features=0.3,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )


def random_forest(seed: int) -> ClassifierMixin:
    """A forest of trees (Breiman 2001) on samples of half the rows, with leaves of twenty: their shares are then
    near enough to probabilities not to need six more forests to calibrate them."""
    return RandomForestClassifier(
        n_estimators=_TREES, min_samples_leaf=20, max_features=0.2, max_samples=0.5, random_state=seed, n_jobs=1
    )


def _logit(C: float, seed: int) -> ClassifierMixin:
    return LogisticRegression(C=C, max_iter=2000, random_state=seed)


def _tree(seed: int) -> ClassifierMixin:
    return DecisionTreeClassifier(max_depth=5, min_samples_leaf=50, random_state=seed)


def _linear_svm(seed: int) -> ClassifierMixin:
    return LinearSVC(C=0.1, dual=False, random_state=seed)


def _mlp(seed: int) -> ClassifierMixin:
    """Stopped by the log loss of rows left out, it states probabilities: a curve fitted to five more networks made them
    less true on shops of 15,000 rows (log loss .110 for .097, .229 for .211, .329 for .315) for five times the work."""
    return MLPClassifier(
        hidden_layer_sizes=(32, 16),
        alpha=1.0,
        learning_rate_init=0.003,
        early_stopping=True,
        max_iter=60,
        random_state=seed,
    )


def blend(seed: int) -> ClassifierMixin:
    """The mean of the probabilities of boosting (counted twice), forest and logistic regression."""
    return VotingClassifier(
        estimators=[
            ("gradient_boosting", gradient_boosting(seed)),
            ("random_forest", random_forest(seed)),
            ("logit", logit(0.1)(seed)),
        ],
        voting="soft",
        weights=[weight for _, weight in BLENDED],
    )


def classifiers(simple: Sequence[Candidate] = ()) -> list[Candidate]:
    """``simple`` (the capability's own few-column models), then every general one, simplest first."""
    return [
        *simple,
        Candidate("logit", 3, logit(0.1)),
        Candidate("decision_tree", 4, _tree, calibrate=True),
        Candidate("linear_svm", 5, _linear_svm, calibrate=True),
        Candidate("random_forest", 6, random_forest),
        Candidate("gradient_boosting", 7, gradient_boosting),
        Candidate("mlp", 8, _mlp),
        Candidate("blend", 9, blend, mean_of=BLENDED),
    ]

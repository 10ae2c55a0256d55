"""A GRU as a classifier in scikit-learn's sense: a frame of features and steps in, probabilities out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split

from ml.deep.gru_network import Course, GruNetwork, Sessions, probabilities, repeatable, train
from ml.evaluation.intervals import Floats
from ml.learners.columns import as_features, preprocessor, signed_log
from ml.propensity.session_steps import CHANNELS, KINDS, STEPS, step_columns

_KIND, *_NUMBERS = CHANNELS


class GruClassifier(ClassifierMixin, BaseEstimator):
    """The mean of a few small GRUs over a session's steps and its other features.

    Reads frames with ``ml.propensity.session_steps.step_columns`` and any other columns, numbers and texts.

    Parameters
    ----------
    hidden : size of the GRU's state. ``embedding`` : numbers per kind of event. ``members`` : networks, which
        differ in their seeds; a mean of them ranks better than one, and steadier.
    epochs, batch_size, learning_rate, weight_decay, dropout : as the words say. ``patience`` : epochs without a better
        log-loss on a held-out tenth of the rows, after which training stops.
    random_state : seed of everything drawn.

    The same seed on the same machine gives the same scores. Learned by ``fit``: ``networks_``, ``columns_``
    (the other features' reader), ``epochs_`` (one per member), ``classes_``.
    """

    def __init__(
        self,
        hidden: int = 24,
        embedding: int = 6,
        members: int = 3,
        epochs: int = 40,
        batch_size: int = 256,
        learning_rate: float = 0.003,
        weight_decay: float = 0.01,
        dropout: float = 0.2,
        patience: int = 4,
        random_state: int = 42,
    ) -> None:
        self.hidden = hidden
        self.embedding = embedding
        self.members = members
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.patience = patience
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: npt.ArrayLike) -> GruClassifier:
        """Learn from ``X`` (one row a session) and ``y`` (shape ``(n,)``, 0 or 1).

        Raises ``ValueError`` naming the step columns that ``X`` lacks.
        """
        truth = np.asarray(y, dtype=np.int64)
        self.classes_ = np.array([0, 1])
        others = [name for name in X.columns if name not in set(step_columns())]
        self.numeric_ = [name for name in others if pd.api.types.is_numeric_dtype(X[name])]
        self.categorical_ = [name for name in others if name not in self.numeric_]
        self.columns_ = None
        if others:
            self.columns_ = preprocessor(self.numeric_, self.categorical_)
            self.columns_.fit(as_features(X, self.numeric_, self.categorical_))
        numbers = _channels(X)
        self.centre_ = numbers.reshape(-1, len(_NUMBERS)).mean(axis=0)
        self.scale_ = np.maximum(numbers.reshape(-1, len(_NUMBERS)).std(axis=0), 1e-6)
        sessions = self._sessions(X)
        labels = torch.from_numpy(truth.astype(np.float32))
        course = Course(self.epochs, self.batch_size, self.learning_rate, self.weight_decay, self.patience)
        self.networks_: list[GruNetwork] = []
        self.epochs_: list[int] = []
        for member in range(self.members):
            seed = self.random_state + member
            learned, held = train_test_split(np.arange(len(truth)), test_size=0.1, stratify=truth, random_state=seed)
            learned_rows, held_rows = torch.from_numpy(np.sort(learned)), torch.from_numpy(np.sort(held))
            with repeatable(seed) as generator:
                network = GruNetwork(
                    len(KINDS),
                    len(_NUMBERS),
                    sessions.static.shape[1],
                    embedding=self.embedding,
                    hidden=self.hidden,
                    dropout=self.dropout,
                )
                epoch = train(
                    network,
                    sessions.rows(learned_rows),
                    labels[learned_rows],
                    sessions.rows(held_rows),
                    labels[held_rows],
                    course,
                    generator,
                )
            self.networks_.append(network)
            self.epochs_.append(epoch)
        return self

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """Shape ``(n, 2)``: the chance of class 0 and of class 1."""
        sessions = self._sessions(X)
        with repeatable(self.random_state):
            chance = np.mean([probabilities(network, sessions) for network in self.networks_], axis=0)
        return np.column_stack([1 - chance, chance])

    def predict(self, X: pd.DataFrame) -> npt.NDArray[np.int64]:
        """The likelier class."""
        return (self.predict_proba(X)[:, 1] >= 0.5).astype(np.int64)

    def _sessions(self, X: pd.DataFrame) -> Sessions:
        kinds = _channel(X, _KIND).astype(np.int64)
        numbers = (_channels(X) - self.centre_) / self.scale_
        # What is not there says nothing.
        numbers[kinds == 0] = 0.0
        static = np.zeros((len(X), 0))
        if self.columns_ is not None:
            static = self.columns_.transform(as_features(X, self.numeric_, self.categorical_))
        return Sessions(
            torch.from_numpy(np.clip(kinds, 0, len(KINDS))),
            torch.from_numpy(numbers.astype(np.float32)),
            torch.from_numpy(np.maximum((kinds > 0).sum(axis=1), 1)),
            torch.from_numpy(np.asarray(static, dtype=np.float32)),
        )


def _channel(X: pd.DataFrame, channel: str) -> Floats:
    """One channel of all steps, shape ``(n, steps)``; unknown is 0."""
    names = [f"step_{step}_{channel}" for step in range(1, STEPS + 1)]
    values = as_features(X, names).to_numpy(dtype=float)
    return np.nan_to_num(values, nan=0.0)


def _channels(X: pd.DataFrame) -> Floats:
    """Every channel but the kind, shape ``(n, steps, channels)``, on a log scale as the other features are."""
    return signed_log(np.stack([_channel(X, channel) for channel in _NUMBERS], axis=2))

"""Customers on a sheet of paper: the two directions in which they differ most (principal components).

Source: I. Jolliffe, *Principal Component Analysis* (2002), chapters 1 and 3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ml.evaluation.intervals import Floats


class Projection(NamedTuple):
    """``points`` has shape ``(customers, 2)``; ``loadings`` ``(2, features)``, each of length 1; ``explained``
    the two shares of all variance that the axes show."""

    points: Floats
    loadings: Floats
    explained: tuple[float, float]


def project(X: Floats) -> Projection:
    """The first two principal components of ``X`` (shape ``(customers, features)``, two features or more, no NaN).

    An axis and its mirror image are the same component, so the sign is fixed: the largest loading is
    positive (the first of equal ones). Without any variance everybody lies at the origin.
    """
    centred = X - X.mean(axis=0)
    variances, vectors = np.linalg.eigh(centred.T @ centred / len(X))
    loadings: Floats = vectors[:, ::-1][:, :2].T.copy()
    variances = np.maximum(variances[::-1], 0.0)
    # Rounded, so that the last bit of a float never turns an axis round.
    largest = np.abs(np.round(loadings, 9)).argmax(axis=1)
    loadings *= np.where(loadings[np.arange(2), largest] < 0, -1.0, 1.0)[:, None]
    total = float(variances.sum())
    if total <= 1e-12:
        return Projection(np.zeros((len(X), 2)), loadings, (0.0, 0.0))
    return Projection(centred @ loadings.T, loadings, (float(variances[0] / total), float(variances[1] / total)))

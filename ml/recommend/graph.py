"""Walks of three steps from a user over items and users, with a penalty on popular items.

Sources: C. Cooper, S. Lee, T. Radzik, Y. Siantos, "Random walks in recommender systems: exact computation and
simulations" (2014), https://doi.org/10.1145/2567948.2579244 (P3alpha); B. Paudel, F. Christoffel, C. Newell,
A. Bernstein, "Updatable, accurate, diverse, and scalable recommendations for interactive applications" (2017),
https://doi.org/10.1145/2955101 (RP3beta).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ml.recommend.interactions import Interactions
from ml.recommend.item_knn import NearItems, nearest


class RP3Beta(NearItems):
    """similarity(i, j) = Σ over users of (P(i → user) × P(user → j))^``alpha``, divided by users(j)^``beta``.

    Parameters
    ----------
    alpha : power of each step's probability; below 1 rare ways count more.
    beta : how much popular items are held down; 0 is P3alpha.
    neighbours : how many items each leads to; ``None`` keeps all.
    use_weights : steps are as likely as their weights; else alike.
    """

    def __init__(
        self, alpha: float = 0.8, beta: float = 0.4, *, neighbours: int | None = 200, use_weights: bool = False
    ) -> None:
        if neighbours is not None and neighbours < 1:
            raise ValueError(f"neighbours: expected at least 1 or None, got {neighbours}")
        self.alpha = alpha
        self.beta = beta
        self.neighbours = neighbours
        self.use_weights = use_weights

    @property
    def name(self) -> str:
        """``rp3beta``."""
        return "rp3beta"

    def _learn(self, interactions: Interactions) -> None:
        self.profile_ = interactions.matrix if self.use_weights else interactions.binary
        values = self.profile_.astype(np.float64)
        to_item = _steps(values, self.alpha)
        to_user = _steps(values.T.tocsr(), self.alpha)
        degree = np.maximum(np.diff(interactions.matrix.tocsc().indptr), 1).astype(np.float64)
        held = to_item @ sparse.diags(degree**-self.beta)
        n_items = interactions.shape[1]
        keep = n_items if self.neighbours is None else min(self.neighbours, n_items)
        self.similarity_ = nearest(to_user.tocsr().astype(np.float32), held.tocsr().astype(np.float32), keep)


def _steps(values: sparse.csr_matrix, alpha: float) -> sparse.csr_matrix:
    """Rows of ``values`` as probabilities to the power of ``alpha``."""
    total = np.asarray(values.sum(axis=1)).ravel()
    scale = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    steps = (sparse.diags(scale) @ values).tocsr()
    steps.data = steps.data**alpha
    return steps

"""Matrix factorisation of implicit feedback by alternating least squares, from the library ``implicit``.

Source: Y. Hu, Y. Koren, C. Volinsky, "Collaborative filtering for implicit feedback datasets" (2008),
https://doi.org/10.1109/ICDM.2008.22.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse

from ml.recommend.interactions import Codes, Interactions
from ml.recommend.recommender import BlockRecommender, Scores


class ALS(BlockRecommender):
    """score = user factors · item factors.

    Parameters
    ----------
    factors : how many numbers describe a user or an item.
    regularization : ridge penalty on factors.
    alpha : confidence in a chosen pair of weight 1, an unchosen one being 1.
    iterations : rounds of users, then items.
    use_weights : confidence grows with the weight; else alike for all chosen.
    random_state : of the first factors; fitting is repeatable as it runs on one thread.
    """

    def __init__(
        self,
        factors: int = 64,
        *,
        regularization: float = 0.1,
        alpha: float = 10.0,
        iterations: int = 15,
        use_weights: bool = False,
        random_state: int = 42,
    ) -> None:
        if factors < 1 or iterations < 1:
            raise ValueError(f"factors, iterations: expected at least 1, got {factors} and {iterations}")
        self.factors = factors
        self.regularization = regularization
        self.alpha = alpha
        self.iterations = iterations
        self.use_weights = use_weights
        self.random_state = random_state

    @property
    def name(self) -> str:
        """``als``."""
        return "als"

    def _learn(self, interactions: Interactions) -> None:
        n_users, n_items = interactions.shape
        matrix = interactions.matrix if self.use_weights else interactions.binary
        if not matrix.nnz:
            self.user_factors_ = np.zeros((n_users, self.factors), dtype=np.float32)
            self.item_factors_ = np.zeros((n_items, self.factors), dtype=np.float32)
            return
        with warnings.catch_warnings():
            # it asks for an environment variable that threadpool_limits around this already stands for
            warnings.filterwarnings("ignore", category=RuntimeWarning, module="implicit")
            # here, as it takes a second that only this model should cost
            from implicit.cpu.als import AlternatingLeastSquares

            model = AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.regularization,
                alpha=self.alpha,
                iterations=self.iterations,
                num_threads=1,
                random_state=self.random_state,
            )
            model.fit(matrix.astype(np.float32), show_progress=False)
        self.user_factors_ = np.asarray(model.user_factors)
        self.item_factors_ = np.asarray(model.item_factors)

    def scores(self, rows: Codes) -> Scores:
        """Dense; who or what has no interaction has no score."""
        scores = self.user_factors_[rows] @ self.item_factors_.T
        scores[:, _empty(self.interactions_.matrix, axis=0)] = -np.inf
        scores[_empty(self.interactions_.matrix, axis=1)[rows]] = -np.inf
        return scores

    def item_scores(self, columns: Codes) -> Scores:
        """Cosine of item factors."""
        length = np.linalg.norm(self.item_factors_, axis=1, keepdims=True)
        unit = np.divide(self.item_factors_, length, out=np.zeros_like(self.item_factors_), where=length > 0)
        scores = unit[columns] @ unit.T
        scores[:, length.ravel() == 0] = -np.inf
        scores[length.ravel()[columns] == 0] = -np.inf
        return scores


def _empty(matrix: sparse.csr_matrix, axis: int) -> np.ndarray:
    """Which columns (``axis`` 0) or rows (1) hold nothing."""
    return np.asarray(matrix.getnnz(axis=axis)).ravel() == 0

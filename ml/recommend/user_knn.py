"""People who chose the same: each user gets what the nearest users chose.

Source: J. Herlocker, J. Konstan, A. Borchers, J. Riedl, "An algorithmic framework for performing collaborative
filtering" (1999), on sets of items instead of ratings.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ml.recommend.interactions import Codes, Interactions
from ml.recommend.item_knn import nearest
from ml.recommend.recommender import BlockRecommender, Scores


class UserKNN(BlockRecommender):
    """score(user, item) = Σ over the nearest users who chose the item of their similarity.

    Parameters
    ----------
    neighbours : how many users to ask.
    tfidf : an item counts for two users less the more users it has; else all items alike.
    sharpness : power of the similarity; above 1 the nearest count more.
    use_weights : similarity and scores follow the weights of interactions; else only what was chosen.
    """

    def __init__(
        self, neighbours: int = 100, *, tfidf: bool = True, sharpness: float = 1.0, use_weights: bool = False
    ) -> None:
        if neighbours < 1:
            raise ValueError(f"neighbours: expected at least 1, got {neighbours}")
        self.neighbours = neighbours
        self.tfidf = tfidf
        self.sharpness = sharpness
        self.use_weights = use_weights

    @property
    def name(self) -> str:
        """``user_knn``."""
        return "user_knn"

    def _learn(self, interactions: Interactions) -> None:
        self.profile_ = interactions.matrix if self.use_weights else interactions.binary
        values = self.profile_.astype(np.float64).tocsr()
        if self.tfidf:
            popularity = np.bincount(values.indices, minlength=values.shape[1])
            rarity = np.log1p(values.shape[0]) - np.log1p(popularity)
            values.data = np.sqrt(values.data) * rarity[values.indices]
        length = np.sqrt(np.asarray(values.multiply(values).sum(axis=1)).ravel())
        scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
        unit = (sparse.diags(scale) @ values).tocsr().astype(np.float32)
        near = nearest(unit, unit.T.tocsr(), min(self.neighbours, interactions.shape[0]))
        near.data = near.data**self.sharpness
        self.neighbours_ = near

    def scores(self, rows: Codes) -> Scores:
        """Sparse: items of the neighbours."""
        return (self.neighbours_[rows] @ self.profile_).tocsr()

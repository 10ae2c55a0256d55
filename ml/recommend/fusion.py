"""One list of several models: mean of standardised scores, or of reciprocal ranks.

Sources: J. Lee, "Analyses of multiple evidence combination" (1997) on score fusion; G. Cormack, C. Clarke,
S. Buettcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods" (2009).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import sparse

from ml.recommend.interactions import Codes, Interactions
from ml.recommend.recommender import BlockRecommender, Scores
from ml.recommend.top_items import Floats


class Fusion(BlockRecommender):
    """What the fusions share: members that learn from the same data, and a weight for each (all alike unless told).

    Raises ``ValueError`` for no member, or weights that are not one number of at least 0 for each and some above 0.
    """

    def __init__(self, members: Sequence[BlockRecommender], weights: Sequence[float] | None = None) -> None:
        if not members:
            raise ValueError("members: expected at least one model")
        shares = np.ones(len(members)) if weights is None else np.asarray(weights, dtype=float)
        if shares.shape != (len(members),) or (shares < 0).any() or not shares.sum() > 0:
            raise ValueError(f"weights: expected {len(members)} numbers of at least 0, some above, got {weights}")
        self.members = list(members)
        self.weights = shares / shares.sum()

    def _learn(self, interactions: Interactions) -> None:
        for member in self.members:
            member.fit(interactions)

    def stranger_scores(self) -> Floats | None:
        """Of the first member that knows what to show a stranger."""
        known = (member.stranger_scores() for member in self.members)
        return next((scores for scores in known if scores is not None), None)

    def item_scores(self, columns: Codes) -> Scores:
        """Of the first member that finds anything alike."""
        for member in self.members:
            scores = member.item_scores(columns)
            if scores.shape[0] and (scores.nnz if hasattr(scores, "nnz") else np.isfinite(scores).any()):
                return scores
        return self.members[0].item_scores(columns)


class ZScoreFusion(Fusion):
    """Weighted mean of the members' scores, each with mean 0 and spread 1 over the user's open items."""

    @property
    def name(self) -> str:
        """``fusion_zscore``."""
        return "fusion_zscore"

    def open_scores(self, rows: Codes, filter_seen: bool = True) -> Scores:
        """Standardised over what is left to recommend: seen items score highest and would set the scale."""
        total: Floats | None = None
        never = np.ones((len(rows), len(self.interactions_.items)), dtype=bool)
        for member, weight in zip(self.members, self.weights, strict=True):
            scores = member.dense_scores(rows, filter_seen)
            never &= ~np.isfinite(scores) | (scores == 0)
            part = weight * standardise(scores)
            total = part if total is None else total + part
        assert total is not None
        if filter_seen:
            seen = self.interactions_.binary[rows]
            never[np.repeat(np.arange(len(rows)), np.diff(seen.indptr)), seen.indices] = True
        # an item that no member has anything to say of is not recommended
        total[never] = -np.inf
        return total

    def scores(self, rows: Codes) -> Scores:
        """With seen items open."""
        return self.open_scores(rows, filter_seen=False)


class ReciprocalRankFusion(Fusion):
    """Σ over members of weight / (``constant`` + rank), of each member's best ``depth`` items."""

    def __init__(
        self,
        members: Sequence[BlockRecommender],
        weights: Sequence[float] | None = None,
        *,
        depth: int = 100,
        constant: float = 60.0,
    ) -> None:
        super().__init__(members, weights)
        self.depth = depth
        self.constant = constant

    @property
    def name(self) -> str:
        """``fusion_ranks``."""
        return "fusion_ranks"

    def user_blocks(self, rows: Codes, known: Codes) -> Iterator[Codes]:
        """As the first member's."""
        return self.members[0].user_blocks(rows, known)

    def open_scores(self, rows: Codes, filter_seen: bool = True) -> Scores:
        """Sparse: the items that a member lists."""
        shape = (len(rows), len(self.interactions_.items))
        total = sparse.csr_matrix(shape)
        for member, weight in zip(self.members, self.weights, strict=True):
            found = member.top(rows, self.depth, filter_seen)
            points = weight / (self.constant + found.rank)
            total = total + sparse.csr_matrix((points, (found.row, found.column)), shape=shape)
        return total.tocsr()

    def scores(self, rows: Codes) -> Scores:
        """With seen items open."""
        return self.open_scores(rows, filter_seen=False)


def standardise(scores: Floats) -> Floats:
    """Each row to mean 0 and spread 1 over its finite values, float64; what is not finite, or all alike, becomes 0."""
    finite = np.isfinite(scores)
    values = np.where(finite, scores, 0.0).astype(np.float64)
    n = np.maximum(finite.sum(axis=1, keepdims=True), 1)
    mean = values.sum(axis=1, keepdims=True) / n
    centred = np.where(finite, values - mean, 0.0)
    spread = np.sqrt((centred**2).sum(axis=1, keepdims=True) / n)
    # rounding of equal scores is not a spread
    level = np.abs(values).max(axis=1, keepdims=True, initial=0.0)
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-6 * level)

"""Items chosen by the same people: cosine, TF-IDF, BM25 and Jaccard similarity, each item with its nearest few.

Sources: G. Linden, B. Smith, J. York, "Amazon.com recommendations" (2003) for item-to-item; F. Aiolli, "Efficient
top-N recommendation for very large scale binary rated datasets" (2013) for the asymmetric cosine; S. Robertson,
H. Zaragoza, "The probabilistic relevance framework: BM25 and beyond" (2009), an item being the document and its users
the terms; Jaccard with time-decayed weights is the "Smart Adaptive Recommendations" of the public recommenders
benchmark.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from scipy import sparse
from sparse_dot_topn import sp_matmul_topn

from ml.recommend.interactions import Codes, Interactions
from ml.recommend.item_sums import ItemSums
from ml.recommend.recommender import Scores
from ml.recommend.top_items import TopItems, top_items

Weighting = Literal["cosine", "tfidf", "bm25", "jaccard"]
#: Rows of items compared at a time where every count is needed.
_ITEMS_AT_A_TIME = 512


class NearItems(ItemSums):
    """Item sums over a sparse ``similarity_`` of items with a few neighbours each: what scales to a large shop."""

    def scores(self, rows: Codes) -> Scores:
        """Sparse: what the user's items lead to."""
        return (self.profile_[rows] @ self.similarity_).tocsr()

    def user_blocks(self, rows: Codes, known: Codes) -> Iterator[Codes]:
        """As many users at a time as have short histories alike."""
        return self.blocks_by_history(rows, known)

    def top(self, rows: Codes, k: int, filter_seen: bool = True) -> TopItems:
        """As from all scores, without holding them: only the best few sums of each user are kept.

        A user's history may be among the best, so that many more are kept. Where the last one kept equals the
        ``k``-th, more of its kind may have been cut off: these users are looked at in full, so that ties go by item
        id here too.
        """
        n_items = self.similarity_.shape[1]
        profile = self.profile_[rows]
        keep = k + 1 + (int(np.diff(profile.indptr).max(initial=0)) if filter_seen else 0)
        if keep >= n_items:
            return super().top(rows, k, filter_seen)
        best = sp_matmul_topn(profile, self.similarity_, top_n=keep, sort=True, n_threads=1).tocsr()
        size = np.diff(best.indptr)
        row = np.repeat(np.arange(len(rows)), size)
        open_ = best.data != 0
        if filter_seen:
            seen = np.repeat(np.arange(len(rows)), np.diff(profile.indptr)) * n_items + profile.indices
            # sorted, as a user's items are
            found_at = row.astype(np.int64) * n_items + best.indices
            place = np.minimum(np.searchsorted(seen, found_at), len(seen) - 1)
            open_ &= seen[place] != found_at
        least = np.full(len(rows), -np.inf)
        full = size == keep
        least[full] = best.data[best.indptr[1:][full] - 1]
        # the best come first: of each row k open ones, and those that equal the last of them, are all that can win
        row, column, score = row[open_], best.indices[open_], best.data[open_]
        place = np.arange(len(row)) - np.searchsorted(row, np.arange(len(rows)))[row]
        kth = np.full(len(rows), -np.inf, dtype=score.dtype)
        kth[row[place == k - 1]] = score[place == k - 1]
        near = (place < k) | (score == kth[row])
        candidates = sparse.csr_matrix((score[near], (row[near], column[near])), shape=best.shape)
        found = top_items(candidates, k)
        last = np.full(len(rows), -np.inf)
        # each row's scores fall, and of an index given again and again the last value stays
        last[found.row] = found.score
        unsure = np.flatnonzero(full & (last <= least))
        if not len(unsure):
            return found
        again = super().top(rows[unsure], k, filter_seen)
        sure = ~np.isin(found.row, unsure)
        parts = [np.concatenate([one[sure], two]) for one, two in zip(found[1:], again[1:], strict=True)]
        place = np.concatenate([found.row[sure], unsure[again.row]])
        order = np.lexsort((parts[1], place))
        return TopItems(place[order], *(part[order] for part in parts))


class ItemKNN(NearItems):
    """Co-view or co-purchase, by what interactions are given.

    Parameters
    ----------
    weighting : how a user counts for two items: ``cosine`` alike, ``tfidf`` and ``bm25`` less for users of many
        items (``bm25`` also less for an item of many users), ``jaccard`` shared users / all users of either.
    neighbours : how many similar items each keeps; ``None`` keeps all.
    shrink : taken as so many more users of both, none shared: pulls similarities that few users speak for to 0.
    asymmetry : of the cosine; 0.5 is the plain one, less favours popular items (only ``cosine``, ``tfidf``).
    k1, b : of BM25: how soon further events of one user count less, and how far large items are held down.
    use_weights : the user's items count by their weight; else alike. Similarities by ``cosine``, ``tfidf``,
        ``bm25`` follow it too; ``jaccard`` counts users either way.
    """

    def __init__(
        self,
        weighting: Weighting = "cosine",
        *,
        neighbours: int | None = 200,
        shrink: float = 0.0,
        asymmetry: float = 0.5,
        k1: float = 1.2,
        b: float = 0.75,
        use_weights: bool = True,
    ) -> None:
        if neighbours is not None and neighbours < 1:
            raise ValueError(f"neighbours: expected at least 1 or None, got {neighbours}")
        self.weighting: Weighting = weighting
        self.neighbours = neighbours
        self.shrink = shrink
        self.asymmetry = asymmetry
        self.k1 = k1
        self.b = b
        self.use_weights = use_weights

    @property
    def name(self) -> str:
        """``item_knn_cosine`` and so on."""
        return f"item_knn_{self.weighting}"

    def _learn(self, interactions: Interactions) -> None:
        self.profile_ = interactions.matrix if self.use_weights else interactions.binary
        n_items = interactions.shape[1]
        keep = n_items if self.neighbours is None else min(self.neighbours, n_items)
        if self.weighting == "jaccard":
            self.similarity_ = _jaccard(interactions.binary, keep, self.shrink)
        else:
            self.similarity_ = self._cosine(self.profile_, keep)

    def _cosine(self, matrix: sparse.csr_matrix, keep: int) -> sparse.csr_matrix:
        weighted = _weighted(matrix, self.weighting, self.k1, self.b)
        squares = np.bincount(weighted.indices, weights=weighted.data**2, minlength=weighted.shape[1])
        if self.weighting == "bm25":
            # BM25 has length normalisation of its own
            left, right = weighted, weighted
        else:
            # shrink counts as further users of weight 1, so it is felt where lengths are short
            size = squares + self.shrink
            left = _scaled(weighted, _power(size, -(1 - self.asymmetry)))
            right = _scaled(weighted, _power(size, -self.asymmetry))
        return nearest(left.T.tocsr().astype(np.float32, copy=False), right.astype(np.float32, copy=False), keep)


def _weighted(matrix: sparse.csr_matrix, weighting: Weighting, k1: float, b: float) -> sparse.csr_matrix:
    """``matrix`` with each user's values scaled by how telling the user is, float32; its places are shared."""
    if weighting == "cosine":
        return matrix
    degree = np.diff(matrix.indptr)
    rarity = np.repeat((np.log1p(matrix.shape[1]) - np.log1p(degree)).astype(np.float32), degree)
    if weighting == "tfidf":
        return _with_values(matrix, np.sqrt(matrix.data) * rarity)
    length = np.bincount(matrix.indices, weights=matrix.data, minlength=matrix.shape[1])
    usual = length.mean() if length.size else 0.0
    hold = (1 - b) + b * length / usual if usual > 0 else np.ones_like(length)
    held = (k1 * hold).astype(np.float32)[matrix.indices]
    return _with_values(matrix, matrix.data * np.float32(k1 + 1) / (held + matrix.data) * rarity)


def _with_values(matrix: sparse.csr_matrix, values: np.ndarray) -> sparse.csr_matrix:
    return sparse.csr_matrix((values.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)


def _scaled(matrix: sparse.csr_matrix, factor: np.ndarray) -> sparse.csr_matrix:
    """``matrix`` with each column times its factor; its places are shared, as a copy of them is as large again."""
    return _with_values(matrix, matrix.data * factor.astype(np.float32)[matrix.indices])


def nearest(left: sparse.csr_matrix, right: sparse.csr_matrix, keep: int) -> sparse.csr_matrix:
    """The ``keep`` largest of each row of ``left @ right`` (float32) without its diagonal.

    One thread, and memory for what is kept only. What is not above 0 is never near.
    """
    if not left.nnz:
        return sparse.csr_matrix((left.shape[0], right.shape[1]), dtype=np.float32)
    # one more, as an item is its own nearest
    found = sp_matmul_topn(left, right, top_n=min(keep + 1, right.shape[1]), sort=True, n_threads=1).tocsr()
    return _without_diagonal(found, keep)


def _without_diagonal(matrix: sparse.csr_matrix, keep: int) -> sparse.csr_matrix:
    """``matrix``, whose rows hold values in falling order, without its diagonal and at most ``keep`` a row."""
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    other = (matrix.indices != row) & (matrix.data > 0)
    row, column, value = row[other], matrix.indices[other], matrix.data[other]
    near = np.arange(len(row)) - np.searchsorted(row, row) < keep
    cut = sparse.csr_matrix((value[near], (row[near], column[near])), shape=matrix.shape)
    cut.sort_indices()
    return cut


def _jaccard(binary: sparse.csr_matrix, keep: int, shrink: float) -> sparse.csr_matrix:
    users = binary.T.tocsr()
    size = np.diff(users.indptr).astype(np.float64)
    parts = []
    for start in range(0, users.shape[0], _ITEMS_AT_A_TIME):
        shared = (users[start : start + _ITEMS_AT_A_TIME] @ binary).tocoo()
        row, column, both = shared.row, shared.col, shared.data.astype(np.float64)
        value = both / (size[start + row] + size[column] - both + shrink)
        order = np.lexsort((column, -value, row))
        part = sparse.csr_matrix(shared.shape, dtype=np.float32)
        part.indptr = np.searchsorted(row[order], np.arange(shared.shape[0] + 1)).astype(np.int64)
        part.indices, part.data = column[order].astype(np.int64), value[order].astype(np.float32)
        parts.append(part)
    if not parts:
        return sparse.csr_matrix((0, 0), dtype=np.float32)
    return _without_diagonal(sparse.vstack(parts, format="csr"), keep)


def _power(values: np.ndarray, exponent: float) -> np.ndarray:
    return np.power(values, exponent, out=np.zeros_like(values), where=values > 0)

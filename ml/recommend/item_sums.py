"""Models whose score is a sum over the user's own items: they can say which one it is because of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from ml.recommend.interactions import ITEM, USER, Codes, Ids, Interactions
from ml.recommend.recommender import BlockRecommender, Scores

#: Column of :meth:`ItemSums.because`: the user's own item that adds most to the score.
BECAUSE = "because_item"
#: The part of the sum of all positive terms that it adds.
SHARE = "share"
#: How many users chose both: the evidence, in people.
BOTH = "users_of_both"
_USERS_AT_A_TIME = 4_000_000
_TERMS_AT_A_TIME = 2_000_000


class ItemSums(BlockRecommender):
    """score(user, item) = Σ over the user's items j of weight(user, j) × similarity(j, item).

    A member sets ``similarity_`` (items × items, zero diagonal; sparse or dense) and, where a user's items do not
    weigh by the interactions' own weights, ``profile_`` (users × items).
    """

    similarity_: Scores
    profile_: sparse.csr_matrix

    def scores(self, rows: Codes) -> Scores:
        """The sums; see the class."""
        return self.profile_[rows] @ self.similarity_

    def item_scores(self, columns: Codes) -> Scores:
        """Rows of the similarity."""
        return self.similarity_[columns]

    def because(self, recommended: pd.DataFrame) -> pd.DataFrame:
        """``recommended`` with ``because_item``, ``share`` and ``users_of_both``.

        The first two are missing, and the third is 0, where no item of the user adds to the score.

        The largest term of a sum explains the score exactly as far as it goes: ``share`` is its part of all
        positive terms. Equal terms go to the smaller item id.
        """
        data = self.interactions_
        rows, columns = data.rows_of(recommended[USER]), data.columns_of(recommended[ITEM])
        found = np.full(len(recommended), None, dtype=object)
        share = np.full(len(recommended), np.nan)
        to_item = self.similarity_.tocsc() if sparse.issparse(self.similarity_) else self.similarity_
        known = np.flatnonzero((rows >= 0) & (columns >= 0))
        for block in self.blocks(known):
            into = to_item[:, columns[block]]
            into = into.T.tocsr() if sparse.issparse(into) else np.ascontiguousarray(into.T)
            terms = self.profile_[rows[block]].multiply(into).tocsr()
            terms.data = np.maximum(terms.data, 0)
            most = np.asarray(terms.max(axis=1).todense()).ravel()
            total = np.asarray(terms.sum(axis=1)).ravel()
            told = most > 0
            found[block[told]] = data.items[np.asarray(terms.argmax(axis=1)).ravel()[told]]
            share[block[told]] = most[told] / total[told]
        both = users_of_both(data, columns, data.columns_of(["" if item is None else item for item in found]))
        return _with_reasons(recommended, found, share, both)


def values_at(matrix: sparse.csr_matrix, rows: Codes, columns: Codes) -> npt.NDArray[np.float64]:
    """``matrix`` at each pair, shape ``(n,)``; SciPy answers no pairs with a matrix instead of an array."""
    if not len(rows):
        return np.zeros(0)
    return np.asarray(matrix[rows, columns], dtype=np.float64).ravel()


def strongest_terms(profile: sparse.csr_matrix, similarity: sparse.csr_matrix, rows: Codes, columns: Codes) -> Codes:
    """Of each pair of user and item (``rows``, ``columns``, shape ``(n,)``) the user's item with the largest
    term of the sum, -1 where none is above 0; of equal ones the smallest.

    Each of the user's items is looked up in the similarities, whose rows are short: columns of popular items are not.
    """
    found = np.full(len(rows), -1, dtype=np.int64)
    lengths = np.diff(profile.indptr).astype(np.int64)[rows]
    asked = np.flatnonzero(lengths > 0)
    part = np.cumsum(lengths[asked]) // _TERMS_AT_A_TIME
    bounds = np.flatnonzero(np.diff(part)) + 1
    for pairs in np.split(asked, bounds):
        size = lengths[pairs]
        starts = np.cumsum(size) - size
        place = np.arange(int(size.sum())) + np.repeat(profile.indptr[rows[pairs]] - starts, size)
        own = profile.indices[place]
        terms = profile.data[place] * values_at(similarity, own, np.repeat(columns[pairs], size))
        if not len(terms):
            continue
        most = np.maximum.reduceat(terms, starts)
        told = most > 0
        # the first of the largest: places of a row are in the order of columns
        largest = np.flatnonzero(terms == np.repeat(most, size))
        of_pair = np.searchsorted(starts, largest, side="right") - 1
        first = np.flatnonzero(np.diff(of_pair, prepend=-1))
        found[pairs[told]] = own[largest[first]][told]
    return found


def users_of_both(data: Interactions, one: Codes, other: Codes) -> Codes:
    """How many users chose both items of each pair; 0 where one is -1.

    The users of the more popular item are marked, and the marks of the other's counted: what a pair costs is the users
    of its rarer item.
    """
    counts = np.zeros(len(one), dtype=np.int64)
    known = np.flatnonzero((one >= 0) & (other >= 0))
    if not len(known):
        return counts
    users = data.matrix.tocsc()
    size = np.diff(users.indptr).astype(np.int64)
    one_larger = size[one[known]] >= size[other[known]]
    popular = np.where(one_larger, one[known], other[known])
    rare = np.where(one_larger, other[known], one[known])
    order = np.argsort(popular, kind="stable")
    popular, rare, known = popular[order], rare[order], known[order]
    ends = np.cumsum(size[rare])
    # a part has one popular item, and rare ones with not too many users together
    part = ends // _USERS_AT_A_TIME
    bounds = np.flatnonzero((np.diff(popular) != 0) | (np.diff(part) != 0)) + 1
    marked = np.zeros(data.matrix.shape[0], dtype=bool)
    now = -1
    for start, stop in zip(np.append(0, bounds).tolist(), np.append(bounds, len(popular)).tolist(), strict=True):
        item = int(popular[start])
        if item != now:
            if now >= 0:
                marked[users.indices[users.indptr[now] : users.indptr[now + 1]]] = False
            marked[users.indices[users.indptr[item] : users.indptr[item + 1]]] = True
            now = item
        lengths = size[rare[start:stop]]
        last = np.cumsum(lengths)
        place = np.arange(last[-1]) + np.repeat(users.indptr[rare[start:stop]] - (last - lengths), lengths)
        hits = np.append(0, np.cumsum(marked[users.indices[place]]))
        counts[known[start:stop]] = hits[last] - hits[last - lengths]
    return counts


def _with_reasons(recommended: pd.DataFrame, found: Ids, share: npt.NDArray[np.float64], both: Codes) -> pd.DataFrame:
    told = recommended.copy()
    told[BECAUSE] = pd.array(found, dtype="str")
    told[SHARE] = share
    told[BOTH] = both
    return told

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
_PAIRS_AT_A_TIME = 20_000


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


def users_of_both(data: Interactions, one: Codes, other: Codes) -> Codes:
    """How many users chose both items of each pair; 0 where one is -1."""
    users = data.binary.T.tocsr()
    counts = np.zeros(len(one), dtype=np.int64)
    known = np.flatnonzero((one >= 0) & (other >= 0))
    for start in range(0, len(known), _PAIRS_AT_A_TIME):
        part = known[start : start + _PAIRS_AT_A_TIME]
        shared = users[one[part]].multiply(users[other[part]]).sum(axis=1)
        counts[part] = np.asarray(shared).ravel().astype(np.int64)
    return counts


def _with_reasons(recommended: pd.DataFrame, found: Ids, share: npt.NDArray[np.float64], both: Codes) -> pd.DataFrame:
    told = recommended.copy()
    told[BECAUSE] = pd.array(found, dtype="str")
    told[SHARE] = share
    told[BOTH] = both
    return told

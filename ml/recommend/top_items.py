"""The best ``k`` of every row of scores, ties by the smaller column (items are in the order of their ids)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.floating]
Codes = npt.NDArray[np.int64]


class TopItems(NamedTuple):
    """Parallel arrays by row and then rank (from 1)."""

    row: Codes
    column: Codes
    rank: Codes
    score: npt.NDArray[np.float64]


def top_items(scores: Floats | sparse.csr_matrix, k: int) -> TopItems:
    """The up to ``k`` largest of each row of ``scores``, shape ``(n, m)``.

    In a dense array ``-inf`` and NaN mean never. In a sparse matrix only what is stored and not 0 is looked at: a
    model that gives no score has nothing to say.
    """
    if sparse.issparse(scores):
        return _of_sparse(scores, k)
    return _of_dense(np.asarray(scores), k)


def _of_dense(scores: Floats, k: int) -> TopItems:
    n, m = scores.shape
    k = min(k, m)
    if not n or not k:
        return _ranked(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
    scores = np.where(np.isnan(scores), -np.inf, scores)
    least = np.partition(scores, m - k, axis=1)[:, m - k, None]
    above = scores > least
    # partition takes any of those equal to the least; the rule takes the smallest columns
    equal = scores == least
    equal &= np.cumsum(equal, axis=1) <= k - above.sum(axis=1, keepdims=True)
    row, column = np.nonzero(above | equal)
    score = scores[row, column]
    order = np.lexsort((column, -score, row))
    known = score[order] > -np.inf
    order = order[known]
    return _ranked(row[order], column[order], score[order])


def _of_sparse(scores: sparse.csr_matrix, k: int) -> TopItems:
    matrix = scores.tocsr()
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    said = (matrix.data != 0) & np.isfinite(matrix.data)
    row, column, score = row[said], matrix.indices[said].astype(np.int64), matrix.data[said]
    order = np.lexsort((column, -score, row))
    row, column, score = row[order], column[order], score[order]
    first = np.searchsorted(row, row)
    keep = np.arange(len(row)) - first < k
    return _ranked(row[keep], column[keep], score[keep])


def _ranked(row: Codes, column: Codes, score: Floats) -> TopItems:
    place = np.arange(len(row)) - np.searchsorted(row, row) + 1
    return TopItems(row.astype(np.int64), column.astype(np.int64), place.astype(np.int64), score.astype(np.float64))

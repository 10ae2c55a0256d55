"""The best of each row, against sorting in plain Python; ties by the smaller column."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse

from ml.recommend.top_items import top_items

# few values, so that there are ties
CELLS = st.sampled_from([-np.inf, np.nan, -1.0, 0.0, 0.5, 2.0])
TABLES = arrays.arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(0, 8)), elements=CELLS)


def plain(row: np.ndarray, k: int) -> list[tuple[int, float]]:
    known = [(column, float(score)) for column, score in enumerate(row) if score > -np.inf]
    return sorted(known, key=lambda pair: (-pair[1], pair[0]))[:k]


@settings(max_examples=200, deadline=None)
@given(TABLES, st.integers(1, 10))
def test_dense(table, k):
    found = top_items(table, k)
    for row in range(len(table)):
        here = found.row == row
        assert list(zip(found.column[here], found.score[here], strict=True)) == plain(table[row], k)
        assert list(found.rank[here]) == list(range(1, here.sum() + 1))


@settings(max_examples=200, deadline=None)
@given(TABLES, st.integers(1, 10))
def test_sparse_says_nothing_of_zeros(table, k):
    table = np.nan_to_num(table, neginf=0.0)
    found = top_items(sparse.csr_matrix(table), k)
    for row in range(len(table)):
        here = found.row == row
        expected = plain(np.where(table[row] == 0, -np.inf, table[row]), k)
        assert list(zip(found.column[here], found.score[here], strict=True)) == expected

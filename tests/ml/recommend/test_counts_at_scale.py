"""What makes lists cheap at scale gives what the plain way gives: counts, strongest items, common words, blocks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import ml.recommend.day_lists as day_lists
import ml.recommend.item_sums as item_sums
import ml.recommend.similar_items as similar_items
from ml.coded_rows import CodedRows
from ml.recommend.ease import EASE
from ml.recommend.interactions import Interactions
from ml.recommend.item_knn import ItemKNN
from ml.recommend.item_sums import strongest_terms, users_of_both
from ml.recommend.read import read_log
from ml.recommend.router import NEAR
from ml.recommend.served_model import without_users
from ml.recommend.serving import Recommendations
from ml.recommend.training import ServedModel
from ml.registry.record import ModelRecord
from tests.ml.recommend.planted_catalogue import AS_OF, SHOP, warehouse

RECORD = ModelRecord("recommendations", SHOP, "m", AS_OF, AS_OF, AS_OF, 1, (), 1, 42, "", "champion", "made by hand")


def some_log(n_users: int = 300, n_items: int = 40, seed: int = 1) -> Interactions:
    """Popular items and rare ones, and some that nobody has."""
    generator = np.random.default_rng(seed)
    row = generator.integers(0, n_users, 3000)
    column = (n_items * generator.random(3000) ** 3).astype(np.int64)
    column[column % 7 == 3] = 0
    users = np.array([f"u{number:04d}" for number in range(n_users)], dtype=object)
    items = np.array([f"i{number:03d}" for number in range(n_items)], dtype=object)
    return Interactions.from_codes(row, column, np.ones(len(row)), users=users, items=items)


@pytest.mark.parametrize("at_a_time", [4_000_000, 50, 1])
def test_users_of_both_are_counted_in_any_parts(monkeypatch: pytest.MonkeyPatch, at_a_time: int) -> None:
    monkeypatch.setattr(item_sums, "_USERS_AT_A_TIME", at_a_time)
    data = some_log()
    generator = np.random.default_rng(2)
    one, other = generator.integers(-1, 40, 5000), generator.integers(-1, 40, 5000)
    dense = data.binary.toarray()
    plain = (dense.T @ dense)[one, other]
    plain[(one < 0) | (other < 0)] = 0
    np.testing.assert_array_equal(users_of_both(data, one, other), plain)
    assert plain.max() > 50 and (plain == 0).sum() > 100
    assert not len(users_of_both(data, one[:0], other[:0]))


@pytest.mark.parametrize("at_a_time", [2_000_000, 100, 1])
def test_the_strongest_item_is_that_of_the_largest_term(monkeypatch: pytest.MonkeyPatch, at_a_time: int) -> None:
    monkeypatch.setattr(item_sums, "_TERMS_AT_A_TIME", at_a_time)
    generator = np.random.default_rng(3)
    profile = sparse.random(200, 50, 0.1, format="csr", random_state=1, dtype=np.float32)
    similarity = sparse.random(50, 50, 0.3, format="csr", random_state=2, dtype=np.float32)
    # few different values, so that many are equal, and some below 0
    profile.data, similarity.data = np.round(profile.data * 3) + 1, np.round(similarity.data * 4) - 1
    for matrix in (profile, similarity):
        matrix.sort_indices()
    row, column = generator.integers(0, 200, 4000), generator.integers(0, 50, 4000)
    terms = profile.toarray()[row] * similarity.toarray()[:, column].T
    plain = np.where(terms.max(axis=1) > 0, terms.argmax(axis=1), -1)
    np.testing.assert_array_equal(strongest_terms(profile, similarity, row, column), plain)
    assert 100 < (plain < 0).sum() < 3900
    nobody = sparse.csr_matrix((3, 50), dtype=np.float32)
    assert list(strongest_terms(nobody, similarity, np.array([0, 2]), np.array([1, 1]))) == [-1, -1]


def test_common_words_find_no_neighbours_but_count_in_the_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(4)
    own = sparse.random(400, 300, 0.02, format="csr", random_state=5, dtype=np.float32)
    common = sparse.csr_matrix((generator.random((400, 3)) < 0.9).astype(np.float32))
    vectors = sparse.hstack([common, own], format="csr").astype(np.float32)
    length = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    vectors = (sparse.diags(1 / np.maximum(length, 1e-9)) @ vectors).tocsr().astype(np.float32)
    cosine = (vectors @ vectors.T).toarray()
    monkeypatch.setattr(similar_items, "_PAIRS_AT_A_TIME", 700)
    full = similar_items._nearest_texts(vectors, 10)
    assert full.nnz == 4000
    monkeypatch.setattr(similar_items, "_COMMON", 100)
    near = similar_items._nearest_texts(vectors, 10).tocoo()
    np.testing.assert_allclose(near.data, cosine[near.row, near.col], rtol=1e-5)
    telling = vectors[:, 3:]
    assert ((telling @ telling.T).toarray()[near.row, near.col] > 0).all() and 2000 < near.nnz < 4000


def test_blocks_of_users_give_the_lists_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = warehouse()
    log = read_log(connection, SHOP, AS_OF, active_days=90)
    near = without_users(ItemKNN("tfidf", neighbours=3).fit(log.interactions))
    assert isinstance(near, ItemKNN)
    model = ServedModel("m", without_users(EASE(30).fit(log.interactions)), True, near, NEAR, 7.0, ())

    def lists() -> pd.DataFrame:
        capability = Recommendations()
        rows = capability.score(model, RECORD, capability.read(connection, SHOP))["recommendations"]
        assert isinstance(rows, CodedRows) and rows.codes.dtypes.map(lambda kind: kind.itemsize).sum() <= 32
        return rows.frame()

    whole = lists()
    monkeypatch.setattr(day_lists, "_USERS_AT_A_TIME", 17)
    monkeypatch.setattr("ml.recommend.list_rows._ROWS_AT_A_TIME", 333)
    pd.testing.assert_frame_equal(lists(), whole)
    assert whole["user_id"].nunique() == 240

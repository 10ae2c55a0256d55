"""Items like an item: looked at by the same people, bought by the same people, or described alike."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

from ml.coded_rows import CodedRows
from ml.recommend.content import Content
from ml.recommend.interactions import ITEM, Interactions
from ml.recommend.item_knn import ItemKNN, nearest
from ml.recommend.item_sums import users_of_both, values_at
from ml.recommend.read import ShopLog
from ml.recommend.shelf import Lists, Shelf
from ml.recommend.tables import SIMILARITY_COLUMNS, K

VIEWED, BOUGHT, CONTENT = "viewed", "bought", "content"
#: Kept of each item before variants and what was withdrawn are crossed out.
_SPARE = 3
#: People who have to have chosen both.
_FEWEST_BOTH = 2
#: As many more users of both, none shared, are added to a pair: two people who agree are not yet a pattern.
_SHRINK = 5.0
#: A term of more items is common: by it alone no item is found to be like another.
_COMMON = 2_000
_PAIRS_AT_A_TIME = 200_000


#: What the numbers of ``kind`` stand for.
_KINDS = (VIEWED, BOUGHT, CONTENT)
_ROWS = """
SELECT
    run.shop_id,
    item.item_id,
    kinds.kind,
    codes.rank,
    other.item_id AS similar_item_id,
    codes.score,
    if(codes.users < 0, NULL, codes.users) AS users,
    run.model_version,
    CAST(run.as_of AS DATE) AS as_of
FROM {codes} AS codes
INNER JOIN {items} AS item ON item.item_no = codes.item_no
INNER JOIN {items} AS other ON other.item_no = codes.other_no
INNER JOIN {kinds} AS kinds ON kinds.kind_no = codes.kind_no
CROSS JOIN {run} AS run
"""


def similarity_rows(log: ShopLog, shelf: Shelf, shop_id: str, as_of: dt.date, version: str, k: int = K) -> CodedRows:
    """Rows of ``ml.item_similarities`` for every item on sale: up to ``k`` others of each kind, none its own variant.

    ``users`` counts who did both. Pairs of fewer than two people are left out, content knows no people.
    """
    items = log.interactions.items
    frames = []
    for kind, chosen in ((VIEWED, log.looked), (BOUGHT, log.bought)):
        data = Interactions(chosen, log.interactions.users, items)
        near = ItemKNN("cosine", neighbours=k * _SPARE, shrink=_SHRINK).fit(data).similarity_
        pairs = near.tocoo()
        both = users_of_both(data, pairs.row.astype(np.int64), pairs.col.astype(np.int64))
        near.data[both < _FEWEST_BOTH] = 0
        frame = _frame(near, shelf, kind, k)
        counts = sparse.csr_matrix((both.astype(np.float64), near.indices, near.indptr), shape=near.shape)
        frame["users"] = values_at(counts, frame["item_no"].to_numpy(), frame["other_no"].to_numpy()).astype(np.int32)
        frames.append(frame)
    frames.append(_frame(_content(log, k * _SPARE), shelf, CONTENT, k).assign(users=np.int32(-1)))
    run = {"shop_id": [shop_id], "model_version": [version], "as_of": [as_of.isoformat()]}
    lookups = {
        "items": pd.DataFrame({"item_no": np.arange(len(items), dtype=np.int32), "item_id": shelf.ids}),
        "kinds": pd.DataFrame({"kind_no": np.arange(len(_KINDS), dtype=np.int8), "kind": _KINDS}),
        "run": pd.DataFrame(run),
    }
    codes = pd.concat(frames, ignore_index=True)
    return CodedRows(codes, lookups, _ROWS, tuple(SIMILARITY_COLUMNS), ("kind", "item_id", "rank"))


def _content(log: ShopLog, keep: int) -> sparse.csr_matrix:
    items = log.items
    catalogue = pd.DataFrame(
        {
            ITEM: items["item_id"],
            "text": items["name"],
            "category": items["category"],
            "brand": items["brand"],
            "price": pd.to_numeric(items["price_minor"]),
        }
    )
    with threadpool_limits(1):
        vectors = Content(catalogue).fit(log.interactions).vectors_
        return _nearest_texts(vectors, min(keep, len(items)))


def _nearest_texts(vectors: sparse.csr_matrix, keep: int) -> sparse.csr_matrix:
    """The ``keep`` largest cosines of each row. In a large catalogue they are looked for among items that share a term
    that is not common, since what most items have in common costs the square of them and tells none from another."""
    if vectors.shape[0] <= _COMMON:
        return nearest(vectors, vectors.T.tocsr(), keep)
    often = np.bincount(vectors.indices, minlength=vectors.shape[1])
    telling = vectors[:, np.flatnonzero(often <= _COMMON)].tocsr()
    near = nearest(telling, telling.T.tocsr(), keep)
    row = np.repeat(np.arange(near.shape[0]), np.diff(near.indptr))
    for start in range(0, len(row), _PAIRS_AT_A_TIME):
        part = slice(start, start + _PAIRS_AT_A_TIME)
        both = vectors[row[part]].multiply(vectors[near.indices[part]])
        near.data[part] = np.asarray(both.sum(axis=1)).ravel()
    return near


def _frame(similarity: sparse.csr_matrix, shelf: Shelf, kind: str, k: int) -> pd.DataFrame:
    found = similarity.tocoo()
    row, column, score = found.row.astype(np.int64), found.col.astype(np.int64), found.data.astype(np.float64)
    told = shelf.open[row] & (score > 0)
    row, column, score = row[told], column[told], np.round(score[told], 6)
    order = np.lexsort((column, -score, row))
    none = np.full(len(row), -1, dtype=np.int64)
    lists = Lists(row[order], column[order], np.arange(len(row)), score[order], none, none)
    itself = sparse.identity(len(shelf.ids), format="csr")
    kept = shelf.tidy(lists, k, itself, of_users=False)
    return pd.DataFrame(
        {
            "item_no": kept.row.astype(np.int32),
            "kind_no": np.full(len(kept.row), _KINDS.index(kind), dtype=np.int8),
            "rank": kept.rank.astype(np.int16),
            "other_no": kept.column.astype(np.int32),
            "score": kept.score,
        }
    )

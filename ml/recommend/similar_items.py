"""Items like an item: looked at by the same people, bought by the same people, or described alike."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

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


def similarity_rows(log: ShopLog, shelf: Shelf, shop_id: str, as_of: dt.date, version: str, k: int = K) -> pd.DataFrame:
    """Rows of ``ml.item_similarities`` for every item on sale: up to ``k`` others of each kind, none its own variant.

    ``users`` counts who did both. Pairs of fewer than two people are left out, content knows no people.
    """
    frames = []
    items = log.interactions.items
    for kind, chosen in ((VIEWED, log.looked), (BOUGHT, log.bought)):
        data = Interactions(chosen, log.interactions.users, items)
        near = ItemKNN("cosine", neighbours=k * _SPARE, shrink=_SHRINK).fit(data).similarity_
        pairs = near.tocoo()
        both = users_of_both(data, pairs.row.astype(np.int64), pairs.col.astype(np.int64))
        enough = both >= _FEWEST_BOTH
        counts = sparse.csr_matrix((both[enough], (pairs.row[enough], pairs.col[enough])), shape=near.shape)
        near = near.multiply(counts > 0).tocsr()
        frame = _frame(near, shelf, kind, k)
        frame["users"] = values_at(counts, frame["from"].to_numpy(), frame["to"].to_numpy()).astype(np.int64)
        frames.append(frame)
    frames.append(_frame(_content(log, k * _SPARE), shelf, CONTENT, k).assign(users=None))
    found = pd.concat([frame.astype({"users": object}) for frame in frames], ignore_index=True)
    found = found.assign(
        shop_id=shop_id,
        item_id=shelf.ids[found["from"].to_numpy(dtype=np.int64)],
        similar_item_id=shelf.ids[found["to"].to_numpy(dtype=np.int64)],
        model_version=version,
        as_of=pd.Series([as_of] * len(found), dtype=object),
    )
    return found[list(SIMILARITY_COLUMNS)]


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
        return nearest(vectors, vectors.T.tocsr(), min(keep, len(items)))


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
    return pd.DataFrame({"from": kept.row, "to": kept.column, "kind": kind, "rank": kept.rank, "score": kept.score})

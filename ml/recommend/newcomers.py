"""Lists for who is not known yet: popular in the shop, and in each category.

By region as well they would need to know where choices were made, which the log of users and products does not say.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from ml.recommend.reasons import popular_reason
from ml.recommend.router import Popular
from ml.recommend.shelf import Lists, Shelf
from ml.recommend.tables import NEWCOMER_COLUMNS, K

SHOP, CATEGORY = "shop", "category"


def newcomer_rows(
    popular: Popular, shelf: Shelf, shop_id: str, as_of: dt.date, version: str, k: int = K
) -> pd.DataFrame:
    """Rows of ``ml.newcomer_recommendations``: the ``k`` most popular of the shop, and of each category."""
    order = popular.order(shelf.open)
    categories, code = np.unique(shelf.category[order].astype(str), return_inverse=True)
    named = categories[code] != ""
    row = np.concatenate([np.zeros(len(order), dtype=np.int64), code[named] + 1])
    column = np.concatenate([order, order[named]])
    none = np.full(len(row), -1, dtype=np.int64)
    lists = shelf.tidy(Lists(row, column, np.arange(len(row)), popular.scores[column], none, none), k)
    scopes = np.concatenate([[""], categories]).astype(object)
    english, chinese = popular_reason(popular.days)
    frame = pd.DataFrame(
        {
            "shop_id": shop_id,
            "scope": np.where(lists.row == 0, SHOP, CATEGORY).astype(object),
            "scope_value": scopes[lists.row],
            "rank": lists.rank,
            "item_id": shelf.ids[lists.column],
            "score": np.round(lists.score, 9),
            "reason": english,
            "reason_zh": chinese,
            "model": popular.name,
            "model_version": version,
            "as_of": pd.Series([as_of] * len(lists.row), dtype=object),
        }
    )
    return frame[list(NEWCOMER_COLUMNS)]

"""Lists for who is not known yet: popular in the shop, in each category, and in each place with people enough.

A newcomer falls back in this order, a list that is short being filled up from the next: what follows the item the
session had last (``ml.session_next_items``), the category that is looked at, the region, the country, the shop. The
mart ``newcomer_recommendations`` numbers the steps; docs/recommendations.md has the query.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from ml.recommend.places import PLACE_DAYS
from ml.recommend.reasons import place_reason, popular_reason
from ml.recommend.router import Popular
from ml.recommend.shelf import Lists, Shelf
from ml.recommend.tables import NEWCOMER_COLUMNS, K

SHOP, CATEGORY = "shop", "category"
#: What places are called as a model.
PLACE_MODEL = f"popular_{PLACE_DAYS}_days_of_place"


def newcomer_rows(
    popular: Popular,
    shelf: Shelf,
    places: pd.DataFrame,
    shop_id: str,
    as_of: dt.date,
    version: str,
    k: int = K,
) -> pd.DataFrame:
    """Rows of ``ml.newcomer_recommendations``: the ``k`` most popular of the shop, of each category, and of each of
    ``places`` (as of :func:`ml.recommend.places.read_places`), where equal ones go by the whole shop."""
    order = popular.order(shelf.open)
    categories, code = np.unique(shelf.category[order].astype(str), return_inverse=True)
    named = categories[code] != ""
    place = pd.MultiIndex.from_frame(places[["scope", "place"]])
    place_code, place_names = pd.factorize(place)
    chosen = pd.Index(shelf.ids).get_indexer(pd.Index(places["item_id"]))
    known = chosen >= 0
    chosen, people = chosen[known], places["people"].to_numpy(dtype=float)[known]
    share = popular.scores / (popular.scores.max(initial=0.0) + 1)
    # subjects: the shop, then categories, then places
    row = np.concatenate(
        [
            np.zeros(len(order), dtype=np.int64),
            code[named] + 1,
            place_code[known] + len(categories) + 1,
        ]
    )
    column = np.concatenate([order, order[named], chosen])
    score = np.concatenate([popular.scores[order], popular.scores[order[named]], people + share[chosen]])
    # within a list the greatest score first, equal ones by item id
    rank = np.empty(len(row), dtype=np.int64)
    rank[np.lexsort((column, -score))] = np.arange(len(row))
    none = np.full(len(row), -1, dtype=np.int64)
    lists = shelf.tidy(Lists(row, column, rank, score, none, none), k)
    english, chinese = popular_reason(popular.days)
    subjects = pd.DataFrame(
        [
            (SHOP, "", english, chinese, popular.name),
            *((CATEGORY, name, english, chinese, popular.name) for name in categories),
            *((scope, name, *place_reason(name, PLACE_DAYS), PLACE_MODEL) for scope, name in place_names),
        ],
        columns=["scope", "scope_value", "reason", "reason_zh", "model"],
    )
    frame = subjects.iloc[lists.row].reset_index(drop=True)
    frame = frame.assign(
        shop_id=shop_id,
        rank=lists.rank,
        item_id=shelf.ids[lists.column],
        score=np.round(lists.score, 9),
        model_version=version,
        as_of=pd.Series([as_of] * len(lists.row), dtype=object),
    )
    return frame[list(NEWCOMER_COLUMNS)]

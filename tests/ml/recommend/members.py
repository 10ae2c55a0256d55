"""Every member of the contest, small enough for the tests, by name."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from ml.recommend.als import ALS
from ml.recommend.content import Content
from ml.recommend.ease import EASE, UserEASE
from ml.recommend.fusion import ReciprocalRankFusion, ZScoreFusion
from ml.recommend.graph import RP3Beta
from ml.recommend.item_knn import ItemKNN
from ml.recommend.popularity import CategoryPopularity, GroupPopularity, Popularity
from ml.recommend.recommender import BlockRecommender
from ml.recommend.user_knn import UserKNN

CATALOGUE = pd.DataFrame(
    {
        "item": ["i000", "i004", "x", "y", "商品", "only"],
        "text": ["red cotton shirt", "red linen shirt", "black tea", None, "红色棉衬衫", "a thing"],
        "category": ["shirts", "shirts", "tea", None, "shirts", "things"],
        "price": [20.0, 25.0, 4.0, None, 22.0, 1.0],
    }
)

PERSONAL: dict[str, Callable[[], BlockRecommender]] = {
    "cosine": lambda: ItemKNN("cosine", neighbours=10),
    "tfidf": lambda: ItemKNN("tfidf", neighbours=10),
    "bm25": lambda: ItemKNN("bm25", neighbours=10),
    "jaccard": lambda: ItemKNN("jaccard", neighbours=None),
    "user_knn": lambda: UserKNN(20),
    "ease": lambda: EASE(10),
    "rdlae": lambda: EASE(10, dropout=0.2, diagonal=0.1),
    "user_ease": lambda: UserEASE(10),
    "rp3beta": lambda: RP3Beta(),
    "als": lambda: ALS(8, iterations=5),
    "zscore": lambda: ZScoreFusion([EASE(10), ItemKNN("cosine")], [2, 1]),
    "ranks": lambda: ReciprocalRankFusion([EASE(10), UserKNN(20)]),
}
POPULAR: dict[str, Callable[[], BlockRecommender]] = {
    "popular": Popularity,
    "recent": lambda: Popularity(30),
    "group": lambda: GroupPopularity({"u000": "north", "u001": "south"}),
    "category": lambda: CategoryPopularity({"i000": "shirts", "i001": "shirts"}),
}
MEMBERS = PERSONAL | POPULAR | {"content": lambda: Content(CATALOGUE)}

"""What may be shown: nothing that was withdrawn, one of several variants of a product, and no second fridge."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from ml.recommend.bought_once import bought_once_groups
from ml.recommend.interactions import Codes, Ids


class Lists(NamedTuple):
    """Lists of several subjects (users, items, categories): parallel arrays, by subject and then rank (from 1).

    ``because`` is the column of the item that explains it, -1 for none; ``source`` a number for what made the row.
    """

    row: Codes
    column: Codes
    rank: Codes
    score: np.ndarray
    because: Codes
    source: Codes

    def where(self, chosen: np.ndarray) -> Lists:
        """Some of the rows."""
        return Lists(*(part[chosen] for part in self))


@dataclass(frozen=True, eq=False)
class Shelf:
    """Items in the order of ``Interactions.items``: ``ids``, ``names`` (the id where there is none), ``category``
    ("" where there is none), ``open`` (on sale), ``family``, a number that variants share, and ``bought_once``, one
    that the items of a category that people buy once share, -1 for others; ``None`` where there is no such category."""

    ids: Ids
    names: Ids
    category: Ids
    open: np.ndarray
    family: Codes
    bought_once: Codes | None = None

    @classmethod
    def of(cls, items: pd.DataFrame, bought_once: Sequence[str] = ()) -> Shelf:
        """From ``ShopLog.items``. Variants have name, brand and category in common; an item without a name has none.
        ``bought_once`` are names of categories (see :func:`ml.recommend.bought_once.bought_once_groups`)."""
        ids = items["item_id"].to_numpy(dtype=object)
        named = items["name"].notna().to_numpy()
        keys = items[["name", "brand", "category"]].astype(object).where(items[["name", "brand", "category"]].notna())
        own = pd.Series(ids, index=items.index).where(~named)
        category = items["category"].astype(object).where(items["category"].notna(), "").to_numpy(dtype=object)
        family = items.assign(own=own).groupby([keys["name"], keys["brand"], keys["category"], own], dropna=False)
        return cls(
            ids,
            np.where(named, items["name"].to_numpy(dtype=object), ids),
            category,
            items["on_sale"].to_numpy(dtype=bool),
            np.asarray(family.ngroup(), dtype=np.int64),
            bought_once_groups(category, bought_once) if bought_once else None,
        )

    @property
    def once(self) -> Codes:
        """``bought_once`` of every item."""
        return np.full(len(self.ids), -1, dtype=np.int64) if self.bought_once is None else self.bought_once

    @property
    def digest(self) -> str:
        """Changes when an item comes, goes, or changes its family or the category that it is bought once of."""
        first = np.unique(self.family, return_index=True)[1]
        leader = self.ids[first][np.unique(self.family, return_inverse=True)[1]]
        text = "\n".join(
            f"{item}\t{kin}\t{int(is_open)}\t{once}"
            for item, kin, is_open, once in zip(self.ids, leader, self.open, self.once, strict=True)
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def tidy(self, lists: Lists, k: int, banned: sparse.csr_matrix | None = None, *, of_users: bool = True) -> Lists:
        """The best ``k`` of each list that may be shown: on sale, and of each family only the best.

        ``lists`` may be in any order; ranks say what comes first. ``banned`` (subjects × items) names items whose
        families a subject is not shown at all, and, where these are what users bought (``of_users``), nothing of their
        categories either that are bought once.
        """
        lists = lists.where(self.open[lists.column])
        order = np.lexsort((lists.rank, lists.row))
        lists = lists.where(order)
        n = int(self.family.max(initial=0)) + 1
        key = lists.row * n + self.family[lists.column]
        first = np.zeros(len(key), dtype=bool)
        first[np.unique(key, return_index=True)[1]] = True
        if banned is not None:
            subjects = np.unique(lists.row)
            theirs = banned[subjects]
            whose = np.repeat(subjects, np.diff(theirs.indptr))
            first &= ~np.isin(key, whose * n + self.family[theirs.indices])
            if of_users and self.bought_once is not None:
                groups, group = int(self.bought_once.max(initial=0)) + 1, self.bought_once[theirs.indices]
                had = whose[group >= 0] * groups + group[group >= 0]
                offered = self.bought_once[lists.column]
                first &= (offered < 0) | ~np.isin(lists.row * groups + offered, had)
        lists = lists.where(first)
        rank = np.arange(len(lists.row)) - np.searchsorted(lists.row, lists.row) + 1
        return lists._replace(rank=rank.astype(np.int64)).where(rank <= k)

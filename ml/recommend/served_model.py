"""A trained recommender without its users: similarities of items stay, the users of a day are put in when it serves.

What a user did this morning counts at once, while what goes together is learned once in a while; and a model of the
registry names no person.
"""

from __future__ import annotations

import copy

import numpy as np
from scipy import sparse

from ml.recommend.content import Content
from ml.recommend.fusion import ZScoreFusion
from ml.recommend.interactions import Codes, Interactions
from ml.recommend.item_sums import ItemSums
from ml.recommend.recommender import BlockRecommender, Scores


def is_carried(model: BlockRecommender) -> bool:
    """Whether the model can score users that it did not learn from: sums over their items, and fusions of sums."""
    if isinstance(model, ZScoreFusion):
        return all(is_carried(member) for member in model.members)
    return isinstance(model, ItemSums) and not isinstance(model, Content)


def without_users(model: BlockRecommender) -> BlockRecommender:
    """A copy of a fitted model that knows no user any more."""
    items = model.interactions_.items
    nobody = Interactions(sparse.csr_matrix((0, len(items)), dtype=np.float32), np.zeros(0, dtype=object), items)
    return with_users(model, nobody)


def with_users(
    model: BlockRecommender, interactions: Interactions, open_items: np.ndarray | None = None
) -> BlockRecommender:
    """A copy of a carried model that scores the users of ``interactions``.

    Their items may be others than those learned from: what is new is like nothing yet, what is gone is dropped.
    ``open_items`` (shape ``(items,)``) says which can be recommended; all of them unless told.
    """
    equipped = copy.copy(model)
    equipped.interactions_ = interactions
    if isinstance(equipped, ZScoreFusion):
        equipped.members = [with_users(member, interactions, open_items) for member in equipped.members]
        return equipped
    assert isinstance(model, ItemSums) and isinstance(equipped, ItemSums)
    equipped.profile_ = interactions.matrix if getattr(model, "use_weights", False) else interactions.binary
    place = interactions.columns_of(model.interactions_.items)
    shown = place >= 0
    if open_items is not None:
        shown &= open_items[place]
    equipped.similarity_ = _moved(model.similarity_, place, shown, len(interactions.items))
    return equipped


def _moved(similarity: Scores, place: Codes, shown: np.ndarray, size: int) -> Scores:
    """Similarities with item ``i`` at ``place[i]`` (-1: nowhere) of ``size``, columns only of what is ``shown``."""
    known = place >= 0
    if sparse.issparse(similarity):
        found = similarity.tocoo()
        kept = known[found.row] & shown[found.col]
        moved = sparse.csr_matrix(
            (found.data[kept], (place[found.row[kept]], place[found.col[kept]])), shape=(size, size)
        )
        moved.sort_indices()
        return moved
    moved = np.zeros((size, size), dtype=similarity.dtype)
    moved[np.ix_(place[known], place[shown])] = similarity[np.ix_(known, shown)]
    return moved

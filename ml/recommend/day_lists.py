"""A day's lists from the model that is kept: its users put into it, who is asked for whom, and what rows say of it."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np

from ml.evaluation.enough import NotEnoughData
from ml.recommend.interactions import Codes, Interactions
from ml.recommend.item_sums import ItemSums
from ml.recommend.list_rows import Source
from ml.recommend.read import ShopLog
from ml.recommend.reasons import popular_reason
from ml.recommend.recommender import BlockRecommender
from ml.recommend.reranker import Reranker
from ml.recommend.router import CHOSEN, NEAR, POPULAR, Popular, Router
from ml.recommend.served_model import with_users
from ml.recommend.shelf import Lists, Shelf
from ml.recommend.tables import K
from ml.recommend.today import TODAY, TodayLists, VisitReasons
from ml.recommend.training import ServedModel

#: Users whose lists are found together: they are twenty times as many rows of whole numbers.
_USERS_AT_A_TIME = 50_000


def chosen_name(chosen: BlockRecommender, near: ItemSums) -> str:
    """What rows of ``chosen`` have as their model: told from those of ``near`` by name, though both may be item-kNN."""
    return chosen.name if chosen.name != near.name else f"{chosen.name}_for_regulars"


def day_router(model: ServedModel, log: ShopLog, shelf: Shelf, popular: Popular) -> Router:
    """The router over the day's ``log``; a model that is not carried is fitted here. Raises ``NotEnoughData`` where it
    cannot be, but for a re-ranker, which then is the fusion below it."""
    data = log.interactions
    near = with_users(model.near, data, shelf.open)
    assert isinstance(near, ItemSums)
    chosen: BlockRecommender | None = None
    if model.chosen is not None and model.carried:
        chosen = with_users(model.chosen, data, shelf.open)
    elif model.chosen is not None:
        chosen = _fitted_today(model.chosen, _on_sale(data, shelf))
    return Router(data, shelf, log.bought, popular, near, chosen, model.few)


def _fitted_today(model: BlockRecommender, data: Interactions) -> BlockRecommender:
    unfitted = copy.deepcopy(model)
    try:
        return unfitted.fit(data)
    except NotEnoughData:
        # a week in which hardly anybody came back teaches no second look
        if not isinstance(unfitted, Reranker):
            raise
        return unfitted.fusion().fit(data)


def _on_sale(data: Interactions, shelf: Shelf) -> Interactions:
    """The same users and items without what nobody can have any more."""
    matrix = data.matrix.copy()
    matrix.data = matrix.data * shelf.open[matrix.indices]
    kept = matrix.data > 0
    matrix.eliminate_zeros()
    return Interactions(matrix, data.users, data.items, None if data.times is None else data.times[kept])


def lists_of(router: Router, users: Codes, today: TodayLists | None) -> Iterator[tuple[Lists, VisitReasons | None]]:
    """Lists of ``users``, a block of them at a time: who has a visit, and then who has none."""
    visitors = users[:0] if today is None else np.intersect1d(users, today.users)
    for block in _blocks(visitors):
        assert today is not None
        yield today.lists(router, block, K)
    for block in _blocks(np.setdiff1d(users, visitors)):
        yield router.lists(block, K), None


def _blocks(users: Codes) -> Iterator[Codes]:
    for start in range(0, len(users), _USERS_AT_A_TIME):
        yield users[start : start + _USERS_AT_A_TIME]


def sources_of(model: ServedModel, router: Router) -> list[Source]:
    """Everything that may have made a row of ``router`` or of today's blend, with its words."""
    popular = router.popular
    # a model may like an item for no item in particular
    like_you = ("Chosen by people like you", "与您相似的人也选择了它")
    found = [Source(POPULAR, popular.name, *popular_reason(popular.days)), Source(NEAR, model.near.name, *like_you)]
    if router.chosen is not None:
        found.append(Source(CHOSEN, chosen_name(router.chosen, model.near), *like_you))
    if model.today is not None:
        found.append(Source(TODAY, model.today.row_model, "Follows your last visit", "延续您上次的浏览"))
    return found

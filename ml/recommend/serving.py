"""The capability recommendations: a list for everyone who was there lately, items like an item, lists for newcomers."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from ml.evaluation.drift import Drift, drift
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.results import Subject
from ml.recommend.bought_once import unknown_rows
from ml.recommend.interactions import Codes, Interactions
from ml.recommend.item_sums import ItemSums, users_of_both, values_at
from ml.recommend.kept_lists import Before, KeptLists, read_kept
from ml.recommend.newcomers import newcomer_rows
from ml.recommend.places import read_places
from ml.recommend.read import HALF_LIFE_DAYS, WINDOW_DAYS, ShopLog, newest_day, read_log, sampled_rows
from ml.recommend.reasons import item_reasons, popular_reason
from ml.recommend.recommender import BlockRecommender
from ml.recommend.router import CHOSEN, NEAR, Popular, Router
from ml.recommend.served_model import with_users
from ml.recommend.shelf import Lists, Shelf
from ml.recommend.similar_items import similarity_rows
from ml.recommend.tables import (
    ACTIVE_DAYS,
    NEWCOMER_COLUMNS,
    RECOMMENDATION_COLUMNS,
    RUN_COLUMNS,
    SIMILARITY_COLUMNS,
    UNKNOWN_COLUMNS,
    K,
)
from ml.recommend.training import TESTED_USERS, ServedModel, contest, data_days, evaluation_rows, fit_served
from ml.registry.record import CHAMPION, ModelRecord, data_digest
from ml.serving.capability import ShopData, Trained

#: Users from which on one list for all is a fault of a personal model.
_FEWEST_LISTS = 20


@dataclass(frozen=True, eq=False)
class RecommendHistory:
    """The log, days of some users to test on, the run before, and what of its lists still holds."""

    log: ShopLog
    shelf: Shelf
    places: pd.DataFrame
    active: Codes
    rows: Callable[[], pd.DataFrame]
    before: Before | None
    kept: Callable[[Before, str, str], KeptLists]


class Recommendations:
    """See ``ml.serving.capability.Capability``.

    Parameters
    ----------
    incremental : score only users with new events while model and products stay; else everyone, always.
    bought_once : shop -> names of categories of which people need one product: who bought there is shown nothing of it.
    """

    name = "recommendations"
    code_version = 1
    tables: Mapping[str, Mapping[str, str]] = {
        "recommendations": RECOMMENDATION_COLUMNS,
        "item_similarities": SIMILARITY_COLUMNS,
        "newcomer_recommendations": NEWCOMER_COLUMNS,
        "recommendation_runs": RUN_COLUMNS,
        "unknown_categories": UNKNOWN_COLUMNS,
    }

    def __init__(self, *, incremental: bool = True, bought_once: Mapping[str, Sequence[str]] | None = None) -> None:
        self.incremental = incremental
        self.bought_once = bought_once or {}

    def read(self, connection: duckdb.DuckDBPyConnection, shop_id: str) -> ShopData:
        """Raises ``NotEnoughData`` where nobody looked at or bought a product lately."""
        as_of = newest_day(connection, shop_id)
        log = read_log(connection, shop_id, as_of, active_days=ACTIVE_DAYS)
        active = np.flatnonzero(log.newest >= np.datetime64(as_of - dt.timedelta(days=ACTIVE_DAYS), "D"))
        if not len(active):
            raise NotEnoughData(f"users of the {ACTIVE_DAYS} days before {as_of}", "at least one", "none")
        sizes = np.diff(log.interactions.matrix.indptr)[active]
        users = pd.DataFrame(
            {
                "items_of_user": sizes.astype(float),
                "days_since_active": (np.datetime64(as_of, "D") - log.newest[active]).astype(float),
            }
        )

        def kept(before: Before, chosen: str, near: str) -> KeptLists:
            return read_kept(connection, before, log.newest, active, chosen, near)

        history = RecommendHistory(
            log,
            Shelf.of(log.items, self.bought_once.get(shop_id, ())),
            read_places(connection, shop_id, as_of),
            active,
            lambda: sampled_rows(connection, users=TESTED_USERS),
            Before.of(connection, shop_id) if self.incremental else None,
            kept,
        )
        return ShopData(shop_id, as_of, users, history)

    def parameters(self, data: ShopData) -> Mapping[str, object]:
        """How far back is looked, and how soon it fades."""
        return {"window_days": WINDOW_DAYS, "half_life_days": HALF_LIFE_DAYS}

    def train(self, data: ShopData, champion: ModelRecord | None, random_state: int) -> Trained:
        """Raises ``NotEnoughData`` with too short a history or too few users who came back to something new."""
        rows = data.history.rows()
        found = contest(rows, champion=champion.model if champion else None, random_state=random_state)
        model = fit_served(found, data.history.log.interactions, data.features)
        first, last = data_days(rows)
        winner = found.verdict.winner
        best = found.reports[winner]
        record = ModelRecord(
            capability=self.name,
            shop_id=data.shop_id,
            model=winner,
            trained_as_of=data.as_of,
            data_from=first,
            data_until=last,
            training_rows=len(rows),
            features=tuple(data.features.columns),
            code_version=self.code_version,
            seed=random_state,
            data_digest=data_digest(rows),
            status=CHAMPION,
            reason=found.verdict.reason,
            parameters=dict(self.parameters(data)),
            metrics={
                **{
                    f"{name}@{best.k}": [round(figure.value, 6), round(figure.low, 6), round(figure.high, 6)]
                    for name, figure in best.measures.items()
                    if figure is not None
                },
                "mean_ndcg_of_cuts": {name: round(value, 6) for name, value in found.selection.alone.items()},
                "fusion": dict(found.selection.taken),
                "item_knn": found.near_name,
                "users_of_few_items": found.few.winner,
            },
        )
        subject = Subject(self.name, data.shop_id, data.as_of, winner, random_state, record.version)
        return Trained(record, model, evaluation_rows(found, subject))

    def drift(self, model: Any, data: ShopData) -> Sequence[Drift]:
        """Of how many items users have, and how long ago they were here."""
        return [drift(one, data.features[one.name]) for one in model.profiles]

    def score(self, model: Any, record: ModelRecord, data: ShopData) -> Mapping[str, pd.DataFrame]:
        """The tables of one shop."""
        history: RecommendHistory = data.history
        log, shelf = history.log, history.shelf
        popular = Popular.of(log.interactions, model.days)
        router = _router(model, log, shelf, popular)
        kept = self._kept(model, record, data)
        listed = np.zeros(len(log.newest), dtype=bool)
        if kept is not None:
            listed[kept.lists.row] = True
        anew = router.lists(history.active[~listed[history.active]], K)
        day = np.datetime64(data.as_of - dt.timedelta(days=1), "D")
        lists, updated = anew, np.full(len(anew.row), day)
        if kept is not None:
            together = [np.concatenate(parts) for parts in zip(anew, kept.lists, strict=True)]
            order = np.lexsort((together[2], together[0]))
            lists = Lists(*(part[order] for part in together))
            updated = np.concatenate([updated, kept.updated_for])[order]
        shown = _recommendation_rows(lists, model, record, data, popular).assign(updated_for=updated.astype(object))
        run = {
            "shop_id": data.shop_id,
            "as_of": data.as_of,
            "users": len(np.unique(lists.row)),
            "users_scored_anew": len(np.unique(anew.row)),
            "items_on_sale": int(shelf.open.sum()),
            "items_shown": len(np.unique(lists.column)),
            "catalogue_digest": shelf.digest,
            "model_version": record.version,
        }
        return {
            "recommendations": shown[list(RECOMMENDATION_COLUMNS)],
            "item_similarities": similarity_rows(log, shelf, data.shop_id, data.as_of, record.version),
            "newcomer_recommendations": newcomer_rows(
                popular, shelf, history.places, data.shop_id, data.as_of, record.version
            ),
            "recommendation_runs": pd.DataFrame([run], columns=list(RUN_COLUMNS)),
            "unknown_categories": unknown_rows(
                shelf.category, self.bought_once.get(data.shop_id, ()), data.shop_id, data.as_of, record.version
            ),
        }

    def fault(self, scored: Mapping[str, pd.DataFrame], record: ModelRecord) -> str | None:
        """No lists, one list for everyone from a model of persons, or an item twice in a list."""
        lists = scored["recommendations"]
        if lists.empty:
            return "no user got a list"
        twice = int(lists.duplicated(["user_id", "item_id"]).sum())
        if twice:
            return f"{twice} items are in a list twice"
        personal = not record.model.startswith("popular")
        firsts = lists[lists["rank"] == 1]
        if personal and len(firsts) >= _FEWEST_LISTS:
            codes = pd.Series(pd.factorize(lists["item_id"])[0], index=lists.index)
            of_user = codes.groupby(lists["user_id"], sort=False).agg(tuple)
            if (of_user == of_user.iloc[0]).all():
                return f"{record.model} gives the same list to all {len(of_user)}"
        return None

    def _kept(self, model: ServedModel, record: ModelRecord, data: ShopData) -> KeptLists | None:
        before = data.history.before
        if before is None or model.chosen is None or not model.carried:
            return None
        if not before.still_holds(data.as_of, data.history.shelf.digest, record.version):
            return None
        found: KeptLists = data.history.kept(before, _chosen_name(model), model.near.name)
        return found


def _chosen_name(model: ServedModel) -> str:
    assert model.chosen is not None
    # what chose a user's list must be told from item-kNN by its name alone, though it may be one itself
    return model.chosen.name if model.chosen.name != model.near.name else f"{model.chosen.name}_for_regulars"


def _router(model: ServedModel, log: ShopLog, shelf: Shelf, popular: Popular) -> Router:
    data = log.interactions
    near = with_users(model.near, data, shelf.open)
    assert isinstance(near, ItemSums)
    chosen: BlockRecommender | None = None
    if model.chosen is not None and model.carried:
        chosen = with_users(model.chosen, data, shelf.open)
    elif model.chosen is not None:
        chosen = copy.deepcopy(model.chosen).fit(_on_sale(data, shelf))
    return Router(data, shelf, log.bought, popular, near, chosen, model.few)


def _on_sale(data: Interactions, shelf: Shelf) -> Interactions:
    """The same users and items without what nobody can have any more."""
    matrix = data.matrix.copy()
    matrix.data = matrix.data * shelf.open[matrix.indices]
    kept = matrix.data > 0
    matrix.eliminate_zeros()
    return Interactions(matrix, data.users, data.items, None if data.times is None else data.times[kept])


def _recommendation_rows(
    lists: Lists, model: ServedModel, record: ModelRecord, data: ShopData, popular: Popular
) -> pd.DataFrame:
    history: RecommendHistory = data.history
    log, shelf = history.log, history.shelf
    n = len(lists.row)
    told = lists.because >= 0
    english, chinese = popular_reason(popular.days)
    reason, reason_zh = np.full(n, english, dtype=object), np.full(n, chinese, dtype=object)
    # a model may like an item for no item in particular
    reason[~told & (lists.source != 0)] = "Chosen by people like you"
    reason_zh[~told & (lists.source != 0)] = "与您相似的人也选择了它"
    evidence = np.zeros(n, dtype=np.int64)
    pairs, place = np.unique(lists.because[told] * len(shelf.ids) + lists.column[told], return_inverse=True)
    both = users_of_both(log.interactions, pairs // len(shelf.ids), pairs % len(shelf.ids))
    evidence[told] = both[place]
    was_bought = values_at(log.bought, lists.row[told], lists.because[told]) > 0
    reason[told], reason_zh[told] = item_reasons(shelf.names, lists.because[told], was_bought, evidence[told])
    because = np.full(n, None, dtype=object)
    because[told] = shelf.ids[lists.because[told]]
    names = np.array(
        [popular.name, model.near.name, _chosen_name(model) if model.chosen is not None else ""], dtype=object
    )
    assert (NEAR, CHOSEN) == (1, 2)
    return pd.DataFrame(
        {
            "shop_id": data.shop_id,
            "user_id": log.interactions.users[lists.row],
            "rank": lists.rank,
            "item_id": shelf.ids[lists.column],
            "score": np.round(lists.score, 9),
            "reason": reason,
            "reason_zh": reason_zh,
            "because_item_id": because,
            "evidence": pd.array(np.where(evidence > 0, evidence, -1), dtype="Int64").astype(object),
            "model": names[lists.source],
            "model_version": record.version,
            "as_of": np.full(n, data.as_of, dtype=object),
        }
    ).assign(evidence=lambda frame: frame["evidence"].where(frame["evidence"] > 0, None))

"""The capability recommendations: a list for everyone who was there lately, items like an item, lists for newcomers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from ml.coded_rows import Rows
from ml.evaluation.drift import Drift, drift
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.results import Subject
from ml.recommend.bought_once import unknown_rows
from ml.recommend.contest_rows import evaluation_rows
from ml.recommend.day_lists import chosen_name, day_router, lists_of, sources_of
from ml.recommend.interactions import Codes
from ml.recommend.kept_lists import Before, KeptLists, read_kept, settled_digest
from ml.recommend.list_rows import ListRows, fault_of_lists
from ml.recommend.newcomers import newcomer_rows
from ml.recommend.places import read_places
from ml.recommend.read import HALF_LIFE_DAYS, WINDOW_DAYS, ShopLog, newest_day, read_log, sampled_rows
from ml.recommend.router import Popular
from ml.recommend.shelf import Shelf
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
from ml.recommend.today import TODAY_DAYS, TodayLists
from ml.recommend.today import WINDOW_DAYS as SESSION_DAYS
from ml.recommend.training import (
    CUTS,
    HORIZON_DAYS,
    TESTED_USERS,
    ServedModel,
    contest,
    data_days,
    fit_served,
    today_choice,
)
from ml.recommend.visits import Visits, read_visits
from ml.registry.record import CHAMPION, ModelRecord, data_digest
from ml.serving.capability import ShopData, Trained

#: Users from which on one list for all is a fault of a personal model.
_FEWEST_LISTS = 20
#: Days of sessions that the back-test of today's blend looks at.
JUDGED_DAYS = SESSION_DAYS + HORIZON_DAYS * CUTS


@dataclass(frozen=True, eq=False)
class RecommendHistory:
    """The log, days of some users to test on, the run before, what of its lists still holds, the sessions of some
    days, and the digest of the products and of the days that had settled at a date."""

    log: ShopLog
    shelf: Shelf
    places: pd.DataFrame
    active: Codes
    rows: Callable[[], pd.DataFrame]
    before: Before | None
    kept: Callable[[Before, str, str], KeptLists]
    visits: Callable[[int], Visits]
    digest: Callable[[dt.date], str]


class Recommendations:
    """See ``ml.serving.capability.Capability``.

    Parameters
    ----------
    incremental : score only users with new events while model and products stay; else everyone, always.
    bought_once : shop -> names of categories of which people need one product: who bought there is shown nothing of it.
    """

    name = "recommendations"
    code_version = 2
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

        def visits(days: int) -> Visits:
            first, fresh = (as_of - dt.timedelta(days=back) for back in (days, TODAY_DAYS))
            return read_visits(connection, shop_id, first, as_of, fresh, log.interactions.items)

        shelf = Shelf.of(log.items, self.bought_once.get(shop_id, ()))
        history = RecommendHistory(
            log,
            shelf,
            read_places(connection, shop_id, as_of),
            active,
            lambda: sampled_rows(connection, users=TESTED_USERS),
            Before.of(connection, shop_id) if self.incremental else None,
            kept,
            visits,
            lambda day: f"{shelf.digest}-{settled_digest(connection, shop_id, day)}",
        )
        return ShopData(shop_id, as_of, users, history)

    def parameters(self, data: ShopData) -> Mapping[str, object]:
        """How far back is looked, and how soon it fades."""
        return {"window_days": WINDOW_DAYS, "half_life_days": HALF_LIFE_DAYS}

    def train(self, data: ShopData, champion: ModelRecord | None, random_state: int) -> Trained:
        """Raises ``NotEnoughData`` with too short a history or too few users who came back to something new."""
        rows = data.history.rows()
        found = contest(rows, champion=champion.model if champion else None, random_state=random_state)
        log = data.history.log.interactions
        today = today_choice(found, data.history.visits(JUDGED_DAYS), log)
        model = fit_served(found, log, data.features, today.blend)
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
                "second_look": found.second_look.reason,
                "newcomers": found.newcomers.winner if found.newcomers is not None else None,
                **today.metrics(),
            },
        )
        subject = Subject(self.name, data.shop_id, data.as_of, winner, random_state, record.version)
        return Trained(record, model, [*evaluation_rows(found, subject), *today.rows(subject)])

    def drift(self, model: Any, data: ShopData) -> Sequence[Drift]:
        """Of how many items users have, and how long ago they were here."""
        return [drift(one, data.features[one.name]) for one in model.profiles]

    def score(self, model: Any, record: ModelRecord, data: ShopData) -> Mapping[str, Rows]:
        """The tables of one shop; lists are found block by block of users, and held as numbers."""
        history: RecommendHistory = data.history
        log, shelf = history.log, history.shelf
        # first of all, while there are no lists yet: it takes the most memory
        similar = similarity_rows(log, shelf, data.shop_id, data.as_of, record.version)
        popular = Popular.of(log.interactions, model.days)
        router = day_router(model, log, shelf, popular)
        kept = self._kept(model, record, data)
        anew = history.active
        if kept is not None:
            anew = np.setdiff1d(anew, kept.lists.row)
        newest_day = np.datetime64(data.as_of - dt.timedelta(days=1), "D")
        rows = ListRows((0 if kept is None else len(kept.lists.row)) + K * len(anew))
        for lists, visit in lists_of(router, anew, _today(model, history, data.as_of)):
            rows.add(lists, newest_day, visit)
        n_anew = len(np.unique(rows.columns()["user_no"]))
        if kept is not None:
            rows.add(kept.lists, kept.updated_for)
        rows.tell(log.interactions, log.bought)
        shown = rows.columns()
        run = {
            "shop_id": data.shop_id,
            "as_of": data.as_of,
            "users": int((shown["rank"] == 1).sum()),
            "users_scored_anew": n_anew,
            "items_on_sale": int(shelf.open.sum()),
            "items_shown": int((np.bincount(shown["item_no"], minlength=1) > 0).sum()),
            "catalogue_digest": history.digest(data.as_of),
            "model_version": record.version,
        }
        users, sources = log.interactions.users, sources_of(model, router)
        return {
            "recommendations": rows.rows(
                data.shop_id, data.as_of, record.version, users, shelf.ids, shelf.names, sources
            ),
            "item_similarities": similar,
            "newcomer_recommendations": newcomer_rows(
                Popular.of(log.interactions, model.newcomer_days),
                shelf,
                history.places,
                data.shop_id,
                data.as_of,
                record.version,
            ),
            "recommendation_runs": pd.DataFrame([run], columns=list(RUN_COLUMNS)),
            "unknown_categories": unknown_rows(
                shelf.category, self.bought_once.get(data.shop_id, ()), data.shop_id, data.as_of, record.version
            ),
        }

    def fault(self, scored: Mapping[str, Any], record: ModelRecord) -> str | None:
        """No lists, one list for everyone from a model of persons, or an item twice in a list."""
        personal = not record.model.startswith("popular")
        found = fault_of_lists(scored["recommendations"], personal, _FEWEST_LISTS)
        return f"{record.model} gives {found}" if found and found.startswith("the same list") else found

    def _kept(self, model: ServedModel, record: ModelRecord, data: ShopData) -> KeptLists | None:
        before = data.history.before
        if before is None or model.chosen is None or not model.carried:
            return None
        if not before.still_holds(data.as_of, data.history.digest(before.as_of), record.version):
            return None
        found: KeptLists = data.history.kept(before, chosen_name(model.chosen, model.near), model.near.name)
        return found


def _today(model: ServedModel, history: RecommendHistory, as_of: dt.date) -> TodayLists | None:
    if model.today is None:
        return None
    lately = history.log.newest >= np.datetime64(as_of - dt.timedelta(days=TODAY_DAYS), "D")
    return TodayLists(model.today, history.visits(SESSION_DAYS), lately)

"""The capability buy again: which of their own products those who were there lately will buy next, and how surely."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from ml.evaluation.drift import Drift, Profile, drift, profile
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.results import Subject
from ml.recommend.again.choose import (
    SHOWN_K,
    PairsAt,
    Schedule,
    contest,
    evaluation_rows,
    fit_winner,
    own_lists,
    schedule,
)
from ml.recommend.again.forms import AgainModel
from ml.recommend.again.pairs import (
    ITEM_NO,
    TESTED_USERS,
    USER_NO,
    WINDOW_DAYS,
    Purchases,
    active_pairs,
    active_users,
    load_purchases,
    pairs_at,
)
from ml.recommend.interactions import Ids
from ml.recommend.read import newest_day, read_items
from ml.recommend.shelf import Lists, Shelf
from ml.recommend.tables import ACTIVE_DAYS, K
from ml.registry.record import CHAMPION, ModelRecord, data_digest
from ml.serving.capability import ShopData, Trained

#: ``ml.buy_again``, key shop_id, user_id, rank.
BUY_AGAIN_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "user_id": "VARCHAR",
    "rank": "INTEGER",
    "item_id": "VARCHAR",
    "purchase_probability": "DOUBLE",
    "horizon_days": "INTEGER",
    "orders": "BIGINT",
    "last_bought": "DATE",
    "reason": "VARCHAR",
    "reason_zh": "VARCHAR",
    "model": "VARCHAR",
    "model_version": "VARCHAR",
    "as_of": "DATE",
}


@dataclass(frozen=True, eq=False)
class AgainHistory:
    """What the shop sold to whom, the dates to learn from, and what may be shown."""

    purchases: Purchases
    plan: Schedule
    pairs_at: PairsAt
    pairs_now: Callable[[], Iterator[pd.DataFrame]]
    shelf: Shelf


@dataclass(frozen=True, eq=False)
class ServedAgain:
    """What is kept in the registry: the fitted model, and how users were when it was learned."""

    model: AgainModel
    profiles: tuple[Profile, ...]


class BuyAgain:
    """See ``ml.serving.capability.Capability``.

    Parameters
    ----------
    bought_once : shop -> names of categories of which people need one product: nothing of these is listed.
    """

    name = "buy_again"
    code_version = 1
    tables: Mapping[str, Mapping[str, str]] = {"buy_again": BUY_AGAIN_COLUMNS}

    def __init__(self, *, bought_once: Mapping[str, Sequence[str]] | None = None) -> None:
        self.bought_once = bought_once or {}

    def read(self, connection: duckdb.DuckDBPyConnection, shop_id: str) -> ShopData:
        """Raises ``NotEnoughData`` where nobody bought, no buyer was there lately, or the history is too short."""
        as_of = newest_day(connection, shop_id)
        bought = load_purchases(connection, shop_id, as_of, active_days=ACTIVE_DAYS)
        users = active_users(connection, as_of)
        if users.empty:
            raise NotEnoughData(
                f"buyers who were there in the {ACTIVE_DAYS} days before {as_of}", "at least one", "none"
            )
        plan = schedule(bought.first, as_of)
        shelf = Shelf.of(read_items(connection, shop_id, bought.items), self.bought_once.get(shop_id, ()))
        shelf = replace(shelf, open=shelf.open & (shelf.once < 0))

        def at(date: dt.date) -> pd.DataFrame:
            return pairs_at(connection, date, horizon_days=plan.horizon_days, users=TESTED_USERS)

        history = AgainHistory(bought, plan, at, lambda: active_pairs(connection, as_of), shelf)
        return ShopData(shop_id, as_of, users, history)

    def parameters(self, data: ShopData) -> Mapping[str, object]:
        """How far ahead, and how far back."""
        return {"horizon_days": data.history.plan.horizon_days, "window_days": WINDOW_DAYS}

    def train(self, data: ShopData, champion: ModelRecord | None, random_state: int) -> Trained:
        """Raises ``NotEnoughData`` where too little was bought again to learn or to judge by."""
        history: AgainHistory = data.history
        cuts = {at: history.pairs_at(at) for at in history.plan.dates}
        found = contest(cuts.__getitem__, history.plan, champion=champion.model if champion else None)
        model = fit_winner(found, cuts.__getitem__)
        winner = found.verdict.winner
        newest = found.results[winner][0]
        learned = list(cuts.values())
        record = ModelRecord(
            capability=self.name,
            shop_id=data.shop_id,
            model=winner,
            trained_as_of=data.as_of,
            data_from=history.purchases.first,
            data_until=data.as_of,
            training_rows=sum(len(frame) for frame in learned),
            features=tuple(data.features.columns),
            code_version=self.code_version,
            seed=random_state,
            data_digest=data_digest(pd.concat(learned)),
            status=CHAMPION,
            reason=found.verdict.reason,
            parameters=dict(self.parameters(data)),
            metrics={
                "mean_ndcg_of_cuts": {
                    name: round(float(np.concatenate([one.per_user["ndcg"] for one in judged]).mean()), 6)
                    for name, judged in found.results.items()
                },
                f"recall@{SHOWN_K}": round(float(newest.shown["recall"].mean()), 6),
                "expected_share": round(newest.expected, 6),
                "happened_share": round(newest.happened, 6),
            },
        )
        subject = Subject(self.name, data.shop_id, data.as_of, winner, random_state, record.version)
        profiles = tuple(profile(data.features[name]) for name in data.features.columns)
        return Trained(record, ServedAgain(model, profiles), evaluation_rows(found, subject))

    def drift(self, model: Any, data: ShopData) -> Sequence[Drift]:
        """Of how many products users have bought, and how long ago the last."""
        return [drift(one, data.features[one.name]) for one in model.profiles]

    def score(self, model: Any, record: ModelRecord, data: ShopData) -> Mapping[str, pd.DataFrame]:
        """``ml.buy_again`` of one shop, by user and rank."""
        history: AgainHistory = data.history
        parts = [again_rows(model.model, pairs, record, data) for pairs in history.pairs_now()]
        rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(BUY_AGAIN_COLUMNS))
        return {"buy_again": rows}

    def fault(self, scored: Mapping[str, pd.DataFrame], record: ModelRecord) -> str | None:
        """No lists, chances that are none, or an item twice in a list."""
        lists = scored["buy_again"]
        if lists.empty:
            return "no user got a list"
        chance = lists["purchase_probability"].to_numpy(dtype=float)
        wrong = int((~((chance > 0) & (chance < 1))).sum())
        if wrong:
            return f"{wrong} chances of a purchase are no probability"
        twice = int(lists.duplicated(["user_id", "item_id"]).sum())
        return f"{twice} items are in a list twice" if twice else None


def again_rows(model: AgainModel, pairs: pd.DataFrame, record: ModelRecord, data: ShopData) -> pd.DataFrame:
    """Rows of ``BUY_AGAIN_COLUMNS`` for the users of ``pairs``: at most :data:`K` each, of what may be shown."""
    history: AgainHistory = data.history
    shelf, bought = history.shelf, history.purchases
    # whole lists, of which the shelf takes out what is gone before they are cut
    lists = own_lists(pairs, model.scores(pairs), len(bought.items))
    place_on_shelf = pd.Index(shelf.ids).get_indexer(pd.Index(bought.items[lists["item"].to_numpy()], dtype=object))
    nothing = np.full(len(lists), -1, dtype=np.int64)
    # the source of a row is the pair it was made of
    shown = shelf.tidy(
        Lists(
            lists["user"].to_numpy(dtype=np.int64),
            place_on_shelf.astype(np.int64),
            lists["rank"].to_numpy(dtype=np.int64),
            lists["score"].to_numpy(dtype=float),
            nothing,
            lists["place"].to_numpy(dtype=np.int64),
        ),
        K,
    )
    made_of = pairs.iloc[shown.source]
    orders, since = made_of["orders"].to_numpy(dtype=np.int64), made_of["since"].to_numpy(dtype=np.int64)
    reason, reason_zh = again_reasons(orders, since)
    last = np.datetime64(data.as_of, "D") - since.astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "shop_id": data.shop_id,
            "user_id": bought.users[made_of[USER_NO].to_numpy()],
            "rank": shown.rank,
            "item_id": bought.items[made_of[ITEM_NO].to_numpy()],
            "purchase_probability": np.round(model.probabilities(made_of), 9),
            "horizon_days": record.parameters["horizon_days"],
            "orders": orders,
            "last_bought": last.astype(object),
            "reason": reason,
            "reason_zh": reason_zh,
            "model": record.model,
            "model_version": record.version,
            "as_of": np.full(len(made_of), data.as_of, dtype=object),
        },
        columns=list(BUY_AGAIN_COLUMNS),
    )


def again_reasons(orders: np.ndarray, since: np.ndarray) -> tuple[Ids, Ids]:
    """Such as "Bought 4 times, last 31 days ago", and in Chinese, for each row; equal ones are one text."""
    most = int(since.max(initial=0)) + 1
    keys, place = np.unique(orders * most + since, return_inverse=True)
    english, chinese = np.empty(len(keys), dtype=object), np.empty(len(keys), dtype=object)
    for number, key in enumerate(keys.tolist()):
        times, days = divmod(key, most)
        ago = f"{days} {'day' if days == 1 else 'days'} ago"
        english[number] = f"Bought once, {ago}" if times == 1 else f"Bought {times} times, last {ago}"
        chinese[number] = f"{days}天前买过" if times == 1 else f"买过{times}次，上次在{days}天前"
    return english[place.ravel()], chinese[place.ravel()]

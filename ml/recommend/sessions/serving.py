"""The capability session next items: after looking at an item, what next; chosen on the shop's own newest sessions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from ml.evaluation.drift import Drift, Profile, drift, profile
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Estimate
from ml.evaluation.results import Subject
from ml.recommend.read import newest_day, read_items
from ml.recommend.sessions.choose import Candidate, candidates, choose, evaluation_rows
from ml.recommend.sessions.fusion import RankFusion
from ml.recommend.sessions.model import NextItems, place_of
from ml.recommend.sessions.next_item import K
from ml.recommend.sessions.read import read_steps
from ml.recommend.sessions.steps import Contexts, Steps
from ml.recommend.shelf import Lists, Shelf
from ml.registry.record import CHAMPION, ModelRecord, data_digest
from ml.serving.capability import ShopData, Trained

#: Sessions of so many days are learned from: what goes with what changes with the seasons.
WINDOW_DAYS = 60
#: Steps after an item within which another one counts as having followed it.
REACH = 10
_SPARE = 3
_FUSION = "fusion"

#: ``ml.session_next_items``, key shop_id, item_id, rank.
NEXT_ITEM_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "item_id": "VARCHAR",
    "rank": "INTEGER",
    "next_item_id": "VARCHAR",
    "score": "DOUBLE",
    "sessions": "BIGINT",
    "model": "VARCHAR",
    "model_version": "VARCHAR",
    "as_of": "DATE",
}
_FOLLOWED = """
SELECT one.item, later.item AS next_item, count(DISTINCT one.session) AS sessions
FROM steps AS one
CROSS JOIN (SELECT unnest(generate_series(1, ?)) AS distance) AS distances
INNER JOIN steps AS later ON later.session = one.session AND later.place = one.place + distance
WHERE one.item <> later.item
GROUP BY one.item, later.item
"""


@dataclass(frozen=True)
class ChosenNextItems:
    """Which model serves, by name, and of which two the fusion is; it is fitted on the newest sessions every day."""

    name: str
    fused: tuple[str, ...]
    profiles: tuple[Profile, ...]

    def build(self) -> NextItems:
        """The unfitted model."""
        stand = {one.name: one.build for one in standing()}
        if self.name == _FUSION:
            return RankFusion([stand[name]() for name in self.fused], name=_FUSION)
        return stand[self.name]()


@dataclass(frozen=True, eq=False)
class SessionHistory:
    """The shop's sessions, and its products."""

    steps: Steps
    shelf: Shelf


def standing() -> tuple[Candidate, ...]:
    """Who may serve: lists hold nothing that the session had, so models that repeat its items are left out."""
    return tuple(one for one in candidates() if one.name != "own_items" and (not one.family or one.family == one.name))


class SessionNextItems:
    """See ``ml.serving.capability.Capability``."""

    name = "session_next_items"
    code_version = 1
    tables: Mapping[str, Mapping[str, str]] = {"session_next_items": NEXT_ITEM_COLUMNS}

    def read(self, connection: duckdb.DuckDBPyConnection, shop_id: str) -> ShopData:
        """Raises ``NotEnoughData`` where no session of the last days looked at or bought anything."""
        as_of = newest_day(connection, shop_id)
        first = as_of - dt.timedelta(days=WINDOW_DAYS)
        steps = read_steps(connection, shop_id, first, as_of)
        if not len(steps):
            raise NotEnoughData(
                f"sessions of the {WINDOW_DAYS} days before {as_of} with a product", "at least one", "none"
            )
        sessions = pd.DataFrame({"items_in_session": np.diff(steps.starts).astype(float)})
        shelf = Shelf.of(read_items(connection, shop_id, steps.items))
        return ShopData(shop_id, as_of, sessions, SessionHistory(steps, shelf))

    def parameters(self, data: ShopData) -> Mapping[str, object]:
        """How far back sessions are read, and how far on an item counts as following."""
        return {"window_days": WINDOW_DAYS, "reach": REACH}

    def train(self, data: ShopData, champion: ModelRecord | None, random_state: int) -> Trained:
        """Raises ``NotEnoughData`` where the newest week, or what is before it, has no session of two items."""
        steps: Steps = data.history.steps
        choice = choose(
            steps,
            among=standing(),
            champion=champion.model if champion else None,
            filter_seen=True,
            random_state=random_state,
        )
        found = choice.figures[choice.winner]
        record = ModelRecord(
            capability=self.name,
            shop_id=data.shop_id,
            model=choice.winner,
            trained_as_of=data.as_of,
            data_from=data.as_of - dt.timedelta(days=WINDOW_DAYS),
            data_until=data.as_of,
            training_rows=len(steps),
            features=tuple(data.features.columns),
            code_version=self.code_version,
            seed=random_state,
            data_digest=steps_digest(steps),
            status=CHAMPION,
            reason=choice.verdict.reason,
            parameters=dict(self.parameters(data)),
            metrics={
                **{
                    name: [round(figure.value, 6), round(figure.low, 6), round(figure.high, 6)]
                    for name, figure in found.items()
                    if isinstance(figure, Estimate)
                },
                "fused": list(choice.fused),
            },
        )
        model = ChosenNextItems(choice.winner, choice.fused, (profile(data.features["items_in_session"]),))
        subject = Subject(self.name, data.shop_id, data.as_of, choice.winner, random_state, record.version)
        return Trained(record, model, evaluation_rows(choice, subject))

    def drift(self, model: Any, data: ShopData) -> Sequence[Drift]:
        """Of the length of sessions."""
        return [drift(one, data.features[one.name]) for one in model.profiles]

    def score(self, model: Any, record: ModelRecord, data: ShopData) -> Mapping[str, pd.DataFrame]:
        """``ml.session_next_items``: up to ``K`` for every item that a session had."""
        steps, shelf = data.history.steps, data.history.shelf
        contexts = Contexts.from_lists([[item] for item in steps.items])
        ranked = model.build().fit(steps).recommend(contexts, K * _SPARE, filter_seen=True)
        # what a model has nothing to say of is filled up with what is popular, which says nothing of the item
        rows, places = np.nonzero((ranked.item >= 0) & (ranked.score > 0))
        column = place_of(ranked.items, shelf.ids)[ranked.item[rows, places]]
        subject = place_of(steps.items, shelf.ids)[rows]
        none = np.full(len(rows), -1, dtype=np.int64)
        offered = Lists(subject, column, places + 1, ranked.score[rows, places], none, none)
        lists = shelf.tidy(offered, K)
        frame = pd.DataFrame(
            {
                "shop_id": data.shop_id,
                "item_id": shelf.ids[lists.row],
                "rank": lists.rank,
                "next_item_id": shelf.ids[lists.column],
                "score": np.round(lists.score, 9),
                "model": record.model,
                "model_version": record.version,
                "as_of": pd.Series([data.as_of] * len(lists.row), dtype=object),
            }
        )
        counted = followed(steps).rename(columns={"item": "item_id", "next_item": "next_item_id"})
        frame = frame.merge(counted, on=["item_id", "next_item_id"], how="left")
        frame["sessions"] = frame["sessions"].fillna(0).astype("int64")
        return {"session_next_items": frame[list(NEXT_ITEM_COLUMNS)]}

    def fault(self, scored: Mapping[str, pd.DataFrame], record: ModelRecord) -> str | None:
        """No lists at all."""
        return "no item leads to another" if scored["session_next_items"].empty else None


def followed(steps: Steps, reach: int = REACH) -> pd.DataFrame:
    """In how many ``sessions`` a ``next_item`` came within ``reach`` steps after an ``item``; ids as texts."""
    place = np.arange(len(steps)) - steps.starts[:-1][steps.session]
    frame = pd.DataFrame({"session": steps.session, "place": place, "item": steps.item})
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("steps", frame)
        found = connection.execute(_FOLLOWED, [reach]).df()
    names = steps.items.astype(object)
    return found.assign(
        item=names[found["item"].to_numpy(dtype=np.int64)], next_item=names[found["next_item"].to_numpy(dtype=np.int64)]
    )


def steps_digest(steps: Steps) -> str:
    """Names the content of the sessions, in hex."""
    frame = pd.DataFrame({"session": steps.session, "item": steps.items[steps.item], "time": steps.time})
    return data_digest(frame)

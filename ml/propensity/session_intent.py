"""The capability session intent: P(a session buys after its n-th event), from what is known of it by then.

What it is for: sessions of the last days that were about to buy and did not (``purchase_probability`` high,
``has_purchased`` false) are whom a shop reminds first, by mail where the customer is known, by an advertisement or
a banner on the next visit else. ``n`` is dbt's ``vars: intent: at_event``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin

from ml.evaluation.drift import Drift
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.leakage import too_good_features
from ml.evaluation.origins import Origin
from ml.learners.backtest import backtest, fit_winner
from ml.learners.probability_model import ProbabilityModel
from ml.outcomes.fault import fault_of
from ml.outcomes.model import OutcomeModel
from ml.outcomes.train import FINAL_ROWS, METRIC, TESTS, Learned, Task, measured, plots, record_of
from ml.propensity.session_candidates import BASE_RATE, CARTED_ALREADY, session_candidates
from ml.propensity.session_history import (
    CATEGORICAL,
    NUMERIC,
    Block,
    blocks,
    read_block,
    read_sessions,
    session_span,
)
from ml.propensity.session_steps import step_columns
from ml.registry.record import ModelRecord
from ml.serving.capability import ShopData, Trained

#: Column -> DuckDB type of ``ml.session_intent``, key shop_id, session_id.
INTENT_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "session_date": "DATE",
    "session_id": "VARCHAR",
    "visitor_id": "VARCHAR",
    "at_event": "INTEGER",
    "purchase_probability": "DOUBLE",
    "has_purchased": "BOOLEAN",
    "model": "VARCHAR",
    "model_version": "VARCHAR",
}
#: Days whose sessions are scored: a reminder after longer is an advertisement like any other.
SCORED_DAYS = 7
#: What the columns speak of, for the plot of importance.
CONCEPTS: dict[str, tuple[str, ...]] = {
    "cart": ("cart_adds", "cart_removes", "has_carted", "cart_value_minor", "checkouts", "wishlist_adds"),
    "products": ("product_views", "items", "categories", "most_viewed", "list_views", "searches"),
    "price": ("max_price_viewed_minor", "mean_price_viewed_minor"),
    "pages": ("page_views", "other_events"),
    "pace": ("seconds_since_start", "longest_gap_seconds"),
    "past": ("is_new", "days_since_last_visit", "past_sessions", "past_cart_adds", "past_orders", "is_known_customer"),
    "time": ("hour_sin", "hour_cos", "weekday"),
    "origin": ("channel_group", "device", "country"),
    "order of events": tuple(step_columns()),
}


class SessionIntent:
    """See ``ml.serving.capability.Capability``; ``features`` are the sessions of the newest ``scored_days``.

    ``with_sequences`` lets the sequence model of ``ml.deep`` stand as well (it needs torch, and serves only where it
    beats everyone simpler beyond the interval). Raises ``ml.deep.TorchMissing`` where that is not there.
    """

    name = "session_intent"
    code_version = 1
    tables: Mapping[str, Mapping[str, str]] = {"session_intent": INTENT_COLUMNS}

    def __init__(self, scored_days: int = SCORED_DAYS, with_sequences: bool = False) -> None:
        self.scored_days = scored_days
        self.with_sequences = with_sequences
        self._sequence: Callable[[int], ClassifierMixin] | None = None
        if with_sequences:
            from ml.deep import TorchMissing, has_torch, sequence_classifier

            if not has_torch():
                raise TorchMissing
            self._sequence = sequence_classifier

    def read(self, connection: duckdb.DuckDBPyConnection, shop_id: str) -> ShopData:
        """Raises ``NotEnoughData`` where no session reaches its n-th event. ``history()`` gives the folds."""
        span = session_span(connection, shop_id)
        newest = Block(span.known_until - dt.timedelta(days=self.scored_days), span.known_until)
        features = read_sessions(connection, shop_id, newest, with_steps=self.with_sequences)

        def history() -> list[Origin]:
            folds = blocks(span)
            return [read_block(connection, shop_id, one, with_steps=self.with_sequences) for one in folds]

        return ShopData(shop_id, span.known_until, features, history)

    def parameters(self, data: ShopData) -> Mapping[str, object]:
        """Whether sequences are read. The n-th event is no parameter of a model: it shows in the features' drift."""
        return {"with_sequences": self.with_sequences}

    def train(self, data: ShopData, champion: ModelRecord | None, random_state: int) -> Trained:
        """Raises ``NotEnoughData`` where there are too few days, sessions, or sessions of either kind."""
        history: Callable[[], list[Origin]] = data.history
        learned = self.learn(history(), champion.model if champion else None, random_state)
        record = record_of(learned, data.shop_id, data.as_of, self.parameters(data), random_state)
        return Trained(
            record,
            learned.model.watching(data.features),
            list(measured(learned, record)),
            plots(learned, "purchase in the session"),
        )

    def learn(
        self,
        origins: Sequence[Origin],
        champion: str | None = None,
        random_state: int = 42,
        *,
        fold_days: int | None = None,
        tests: int = TESTS,
    ) -> Learned:
        """Judge everyone on the newest ``tests`` folds, each learned from all before it; fit the winner on all.

        ``origins`` are folds as ``read_block`` gives them, ``fold_days`` their length (the step between them where
        ``None``). Raises ``NotEnoughData`` as ``backtest`` does, and where nothing varies.
        """
        known = sorted((origin for origin in origins if len(origin.frame)), key=lambda origin: origin.as_of)
        if not known:
            raise NotEnoughData("history", "sessions of at least two days before the newest one", "none")
        numeric, categorical = varying(known)
        if not numeric and not categorical:
            rows = sum(len(origin.frame) for origin in known)
            raise NotEnoughData(
                "sessions that differ in anything", "at least one feature that varies", f"none, among {rows} sessions"
            )
        steps = [name for name in step_columns() if self.with_sequences and name in known[0].frame.columns]
        days = fold_days or _fold_days(known)
        candidates = session_candidates([*numeric, *categorical], self._sequence)
        task = Task(self.name, days, candidates, CARTED_ALREADY, self.code_version)
        found = backtest(
            known,
            days,
            candidates,
            [*numeric, *steps],
            categorical,
            tests=tests,
            metric=METRIC,
            floor=BASE_RATE,
            champion=champion,
            random_state=random_state,
        )
        newest = known[-1]
        alarms = too_good_features(newest.frame[numeric], newest.y, random_state=random_state)
        fitted = fit_winner(
            found,
            known,
            candidates,
            [*numeric, *steps],
            categorical,
            most_rows=FINAL_ROWS,
            random_state=random_state,
        )
        model = _served_model(fitted, days)
        return Learned(task, model, found, tuple(alarms), (*numeric, *steps, *categorical), tuple(known))

    def drift(self, model: Any, data: ShopData) -> Sequence[Drift]:
        """Of the features that the model reads."""
        found: Sequence[Drift] = model.drift(data.features)
        return found

    def score(self, model: Any, record: ModelRecord, data: ShopData) -> Mapping[str, pd.DataFrame]:
        """``ml.session_intent`` of one shop, by day and session."""
        frame = data.features
        rows = frame.assign(
            purchase_probability=np.round(model.probabilities(frame), 9),
            has_purchased=frame["purchased_later"].astype(bool),
            model=record.model,
            model_version=record.version,
        )
        ordered = rows[list(INTENT_COLUMNS)].sort_values(["session_date", "session_id"], ignore_index=True)
        return {"session_intent": ordered}

    def fault(self, scored: Mapping[str, pd.DataFrame], record: ModelRecord) -> str | None:
        """As in ``ml.outcomes.fault``."""
        return fault_of(scored["session_intent"]["purchase_probability"], record.model)


def varying(origins: Sequence[Origin]) -> tuple[list[str], list[str]]:
    """The ``NUMERIC`` and ``CATEGORICAL`` columns that hold more than one value in at least one of ``origins``."""

    def chosen(names: Sequence[str]) -> list[str]:
        return [name for name in names if any(len(one.frame[name].drop_duplicates()) > 1 for one in origins)]

    return chosen(NUMERIC), chosen(CATEGORICAL)


def _fold_days(origins: Sequence[Origin]) -> int:
    """Days between folds: an outcome is known by the end of its own fold."""
    days = [origin.as_of for origin in origins]
    return min(((later - earlier).days for earlier, later in pairwise(days)), default=1)


def _served_model(fitted: ProbabilityModel, fold_days: int) -> OutcomeModel:
    used = [*fitted.numeric_, *fitted.categorical_]
    concepts = {name: [column for column in columns if column in used] for name, columns in CONCEPTS.items()}
    return OutcomeModel(
        horizon_days=fold_days,
        model=fitted,
        concepts={name: columns for name, columns in concepts.items() if columns},
        typical={},
        profiles=(),
    )

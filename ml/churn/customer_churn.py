"""The capability churn: P(no purchase in the next H days) for everyone who ever ordered, with reasons and an action."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import duckdb
import numpy as np
import pandas as pd

from ml.churn.actions import HIGH, LOW, MEDIUM, bands, risk_band, suggested, value_tier
from ml.churn.horizon import shop_horizon, within_history
from ml.evaluation.drift import Drift
from ml.evaluation.origins import Origin
from ml.evaluation.results import Measured, Subject
from ml.outcomes.candidates import RECENCY_ALONE, purchase_candidates
from ml.outcomes.fault import fault_of
from ml.outcomes.history import Span, read_customers, read_origins, shop_span
from ml.outcomes.model import OutcomeModel
from ml.outcomes.selection import select_features
from ml.outcomes.train import Learned, Task, learn, measured, plots, record_of
from ml.registry.record import ModelRecord
from ml.serving.capability import ShopData, Trained

#: Column -> DuckDB type of ``ml.churn_scores``, key shop_id, customer_id.
CHURN_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "customer_id": "VARCHAR",
    "as_of": "DATE",
    "horizon_days": "INTEGER",
    "churn_probability": "DOUBLE",
    "risk_band": "VARCHAR",
    "reason_1": "VARCHAR",
    "reason_2": "VARCHAR",
    "reason_3": "VARCHAR",
    "reason_1_zh": "VARCHAR",
    "reason_2_zh": "VARCHAR",
    "reason_3_zh": "VARCHAR",
    "action": "VARCHAR",
    "action_zh": "VARCHAR",
    "model": "VARCHAR",
    "model_version": "VARCHAR",
}


@dataclass(frozen=True)
class ChurnHistory:
    """The horizon with its reason, and the dates to learn from, which are read when they are asked for."""

    horizon_days: int
    reason: str
    origins: Callable[[], list[Origin]]


class Churn:
    """See ``ml.serving.capability.Capability``.

    Parameters
    ----------
    horizon_days : days ahead; from the shop's own rhythm where ``None``, less while the shop is too young for that.
    known_until : the day from which on nothing is known; the day after the shop's newest one where ``None``.
        For back-tests: training and scores are then those of that day.
    """

    name = "churn"
    code_version = 1
    tables: Mapping[str, Mapping[str, str]] = {"churn_scores": CHURN_COLUMNS}

    def __init__(self, horizon_days: int | None = None, known_until: dt.date | None = None) -> None:
        self.horizon_days = horizon_days
        self.known_until = known_until
        #: Horizon of the model that serves, which stays while it will do.
        self.serving_days: int | None = None

    def keeping(self, parameters: Mapping[str, object]) -> Self:
        """See ``ml.serving.capability.KeepsParameters``: the horizon, near the limit between two."""
        kept = copy.copy(self)
        days = parameters.get("horizon_days")
        kept.serving_days = days if isinstance(days, int) else None
        return kept

    def read(self, connection: duckdb.DuckDBPyConnection, shop_id: str) -> ShopData:
        """Raises ``NotEnoughData`` without an order, or without repeat purchases to tell the horizon by."""
        span = shop_span(connection, shop_id)
        if self.known_until is not None:
            span = Span(span.first_order, self.known_until)
        horizon = shop_horizon(connection, shop_id, span.known_until, self.horizon_days, self.serving_days)
        if self.horizon_days is None:
            horizon = within_history(horizon, (span.known_until - span.first_order).days)

        def origins() -> list[Origin]:
            return read_origins(connection, shop_id, span, horizon.days, happens_on_order=False)

        customers = read_customers(connection, shop_id, span.known_until)
        return ShopData(shop_id, span.known_until, customers, ChurnHistory(horizon.days, horizon.reason, origins))

    def parameters(self, data: ShopData) -> Mapping[str, object]:
        """The horizon."""
        return {"horizon_days": data.history.horizon_days}

    def train(self, data: ShopData, champion: ModelRecord | None, random_state: int) -> Trained:
        """Raises ``NotEnoughData`` with too short a history, or too few customers of either kind."""
        task = self.task(data.history.horizon_days)
        learned = learn(data.history.origins(), task, champion.model if champion else None, random_state)
        record = record_of(learned, data.shop_id, data.as_of, self.parameters(data), random_state)
        figures = [*measured(learned, record), *_bands_measured(learned, record), *_selection(learned, record)]
        figures.append(
            Measured(
                Subject(self.name, data.shop_id, data.as_of, "horizon", random_state, ""),
                "horizon_days",
                float(task.horizon_days),
                sum(len(origin.frame) for origin in learned.origins),
                {"reason": data.history.reason},
            )
        )
        return Trained(record, learned.model.watching(data.features), figures, plots(learned, "churn"))

    def task(self, horizon_days: int) -> Task:
        """Who stands, and against what."""
        return Task(
            self.name,
            horizon_days,
            purchase_candidates(horizon_days, happens_on_order=False),
            RECENCY_ALONE,
            self.code_version,
        )

    def drift(self, model: Any, data: ShopData) -> Sequence[Drift]:
        """Of the features that the model reads."""
        return model.drift(data.features)

    def score(self, model: Any, record: ModelRecord, data: ShopData) -> Mapping[str, pd.DataFrame]:
        """``ml.churn_scores`` of one shop, by customer."""
        return {"churn_scores": churn_scores(model, record, data)}

    def fault(self, scored: Mapping[str, pd.DataFrame], record: ModelRecord) -> str | None:
        """Scores that are no probabilities, or all the same though the model has features to tell by."""
        return fault_of(scored["churn_scores"]["churn_probability"], record.model)


def churn_scores(model: OutcomeModel, record: ModelRecord, data: ShopData) -> pd.DataFrame:
    """A row per customer of ``data.features`` with ``CHURN_COLUMNS``."""
    frame = data.features
    probability = model.probabilities(frame)
    band = risk_band(probability, bands(model.model.base_rate_))
    money = frame["net_revenue_minor"] if "net_revenue_minor" in frame else pd.Series(np.nan, index=frame.index)
    actions = suggested(band, value_tier(money))
    rows = model.reasons(frame, probability).assign(
        shop_id=data.shop_id,
        customer_id=frame["customer_id"].astype(object),
        as_of=pd.Series([data.as_of] * len(frame), index=frame.index, dtype=object),
        horizon_days=model.horizon_days,
        churn_probability=np.round(probability, 9),
        risk_band=band,
        action=[action.en for action in actions],
        action_zh=[action.zh for action in actions],
        model=record.model,
        model_version=record.version,
    )
    return rows[list(CHURN_COLUMNS)].sort_values("customer_id", ignore_index=True)


def _bands_measured(learned: Learned, record: ModelRecord) -> Iterator[Measured]:
    """Per band of the held-out customers: how many fall in it, and how many of those did not buy."""
    found = learned.found
    band = risk_band(found.scores[found.winner], bands(learned.model.model.base_rate_))
    subject = Subject(
        record.capability, record.shop_id, record.trained_as_of, found.winner, record.seed, record.version
    )
    for name in (HIGH, MEDIUM, LOW):
        inside = band == name
        n = int(inside.sum())
        yield Measured(subject, f"share_in_band_{name}", n / len(band), len(band))
        yield Measured(subject, f"churned_in_band_{name}", float(found.y[inside].mean()) if n else None, n)


def _selection(learned: Learned, record: ModelRecord) -> Iterator[Measured]:
    """What the lasso path and recursive elimination keep, and the AUC that it reaches."""
    cut = learned.found.cuts[-1]
    for choice in select_features(cut, learned.columns, random_state=record.seed):
        subject = Subject(
            record.capability, record.shop_id, record.trained_as_of, f"selection_{choice.method}", record.seed, ""
        )
        about = {"kept": list(choice.kept), "tested_on": cut.test.as_of.isoformat(), "of": len(learned.columns)}
        yield Measured(subject, "features_kept", float(len(choice.kept)), len(cut.test.y), about)
        yield Measured(subject, "auc", choice.auc, len(cut.test.y), about)

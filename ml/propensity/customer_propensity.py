"""The capability purchase propensity: P(a customer buys within 7 days, and within 30), with reasons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from ml.evaluation.drift import Drift
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.origins import Origin
from ml.evaluation.results import Measured
from ml.outcomes.candidates import RECENCY_ALONE, purchase_candidates
from ml.outcomes.fault import fault_of
from ml.outcomes.history import Span, read_customers, read_origins, shop_span
from ml.outcomes.model import OutcomeModel
from ml.outcomes.train import Learned, Task, learn, measured, plots, record_of
from ml.registry.record import CHAMPION, REJECTED, ModelRecord
from ml.serving.capability import ShopData, Trained

#: Column -> DuckDB type of ``ml.purchase_propensity``, key shop_id, customer_id, horizon_days.
PROPENSITY_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "customer_id": "VARCHAR",
    "as_of": "DATE",
    "horizon_days": "INTEGER",
    "purchase_probability": "DOUBLE",
    "reason_1": "VARCHAR",
    "reason_2": "VARCHAR",
    "reason_3": "VARCHAR",
    "reason_1_zh": "VARCHAR",
    "reason_2_zh": "VARCHAR",
    "reason_3_zh": "VARCHAR",
    "model": "VARCHAR",
    "model_version": "VARCHAR",
}
HORIZONS = (7, 30)


@dataclass(frozen=True)
class PropensityModel:
    """A model per horizon (days), each with the ``names`` of the candidate that won it; a horizon for which there
    were too few cases is absent."""

    models: Mapping[int, OutcomeModel]
    names: Mapping[int, str]


class CustomerPropensity:
    """See ``ml.serving.capability.Capability``.

    ``known_until`` is the day from which on nothing is known; the day after the shop's newest one where ``None``.
    One record stands for both horizons: its ``model`` names both winners.
    """

    name = "purchase_propensity"
    code_version = 1
    tables: Mapping[str, Mapping[str, str]] = {"purchase_propensity": PROPENSITY_COLUMNS}

    def __init__(self, horizons: Sequence[int] = HORIZONS, known_until: dt.date | None = None) -> None:
        self.horizons = tuple(horizons)
        self.known_until = known_until

    def read(self, connection: duckdb.DuckDBPyConnection, shop_id: str) -> ShopData:
        """Raises ``NotEnoughData`` where nobody ever ordered. ``history`` maps a horizon to its dates."""
        span = shop_span(connection, shop_id)
        if self.known_until is not None:
            span = Span(span.first_order, self.known_until)

        def origins(horizon: int) -> list[Origin]:
            return read_origins(connection, shop_id, span, horizon, happens_on_order=True)

        return ShopData(shop_id, span.known_until, read_customers(connection, shop_id, span.known_until), origins)

    def parameters(self, data: ShopData) -> Mapping[str, object]:
        """The horizons."""
        return {"horizons": list(self.horizons)}

    def task(self, horizon_days: int) -> Task:
        """Who stands, and against what."""
        candidates = purchase_candidates(horizon_days, happens_on_order=True)
        return Task(self.name, horizon_days, candidates, RECENCY_ALONE, self.code_version)

    def train(self, data: ShopData, champion: ModelRecord | None, random_state: int) -> Trained:
        """Raises ``NotEnoughData`` where it is missing for every horizon."""
        serving = _winners(champion)
        origins: Callable[[int], list[Origin]] = data.history
        learned: dict[int, Learned] = {}
        failed: dict[int, NotEnoughData] = {}
        for horizon in self.horizons:
            try:
                learned[horizon] = learn(origins(horizon), self.task(horizon), serving.get(horizon), random_state)
            except NotEnoughData as error:
                failed[horizon] = error
        if not learned:
            raise failed[self.horizons[0]]
        record = self._record(learned, failed, data, random_state)
        figures: list[Measured] = []
        images: dict[str, bytes] = {}
        for horizon, one in learned.items():
            figures += measured(one, record, suffix=f"_{horizon}d")
            images |= plots(one, f"purchase within {horizon} days")
        model = PropensityModel(
            {horizon: one.model.watching(data.features) for horizon, one in learned.items()},
            {horizon: one.found.winner for horizon, one in learned.items()},
        )
        return Trained(record, model, figures, images)

    def drift(self, model: Any, data: ShopData) -> Sequence[Drift]:
        """Of the features that either horizon's model reads, each once."""
        found = {one.feature: one for part in model.models.values() for one in part.drift(data.features)}
        return [found[name] for name in sorted(found)]

    def score(self, model: Any, record: ModelRecord, data: ShopData) -> Mapping[str, pd.DataFrame]:
        """``ml.purchase_propensity`` of one shop, by customer and horizon."""
        parts = [propensity_scores(part, model.names[horizon], record, data) for horizon, part in model.models.items()]
        rows = pd.concat(parts, ignore_index=True).sort_values(["customer_id", "horizon_days"], ignore_index=True)
        return {"purchase_propensity": rows}

    def fault(self, scored: Mapping[str, pd.DataFrame], record: ModelRecord) -> str | None:
        """As in ``ml.outcomes.fault``, for each horizon."""
        for (horizon, name), part in scored["purchase_propensity"].groupby(["horizon_days", "model"], sort=True):
            found = fault_of(part["purchase_probability"], str(name))
            if found:
                return f"within {horizon} days: {found}"
        return None

    def _record(
        self, learned: Mapping[int, Learned], failed: Mapping[int, NotEnoughData], data: ShopData, random_state: int
    ) -> ModelRecord:
        parts = {
            horizon: record_of(one, data.shop_id, data.as_of, self.parameters(data), random_state)
            for horizon, one in learned.items()
        }
        first = next(iter(parts.values()))
        reasons = [f"{horizon} days: {one.reason}" for horizon, one in learned.items()]
        reasons += [f"{horizon} days: {error}" for horizon, error in failed.items()]
        return replace(
            first,
            model=", ".join(f"{part.model} ({horizon} days)" for horizon, part in parts.items()),
            data_from=min(part.data_from for part in parts.values()),
            data_until=max(part.data_until for part in parts.values()),
            training_rows=sum(part.training_rows for part in parts.values()),
            features=tuple(sorted({name for part in parts.values() for name in part.features})),
            data_digest="".join(part.data_digest for part in parts.values()),
            status=CHAMPION if all(part.status == CHAMPION for part in parts.values()) else REJECTED,
            reason="; ".join(reasons),
            metrics={
                f"{metric}_{horizon}d": figure
                for horizon, part in parts.items()
                for metric, figure in part.metrics.items()
            }
            | {"winners": {str(horizon): part.model for horizon, part in parts.items()}},
        )


def propensity_scores(model: OutcomeModel, name: str, record: ModelRecord, data: ShopData) -> pd.DataFrame:
    """A row per customer of ``data.features`` for one horizon, with ``PROPENSITY_COLUMNS``."""
    frame = data.features
    probability = model.probabilities(frame)
    rows = model.reasons(frame, probability).assign(
        shop_id=data.shop_id,
        customer_id=frame["customer_id"].astype(object),
        as_of=pd.Series([data.as_of] * len(frame), index=frame.index, dtype=object),
        horizon_days=model.horizon_days,
        purchase_probability=np.round(probability, 9),
        model=name,
        model_version=record.version,
    )
    return rows[list(PROPENSITY_COLUMNS)].sort_values("customer_id", ignore_index=True)


def _winners(champion: ModelRecord | None) -> dict[int, str]:
    """Which candidate serves each horizon now."""
    told = champion.metrics.get("winners", {}) if champion else {}
    return {int(horizon): str(name) for horizon, name in told.items()} if isinstance(told, Mapping) else {}

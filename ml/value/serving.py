"""The capability customer value: expected orders and net spend over the next H days for everyone, with an interval."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from ml.evaluation.drift import Drift, Profile, drift, profile
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.intervals import Estimate
from ml.evaluation.plots import lines_plot
from ml.evaluation.results import Measured
from ml.outcomes.features import may_drift
from ml.outcomes.history import shop_span
from ml.registry.record import CHAMPION, ModelRecord, data_digest
from ml.serving.capability import ShopData, Trained
from ml.value.compare import CANDIDATES, CAPABILITY, Candidates
from ml.value.customer_value import (
    CODE_VERSION,
    CUSTOMER_VALUE_COLUMNS,
    CustomerValueModel,
    score_customers,
    track_shop,
)
from ml.value.cuts import ORDERS, ShopHistory, read_history
from ml.value.tracking import TRACKING_COLUMNS

#: Days looked ahead: the first for which a shop's history is long enough to learn from and to test on.
HORIZONS = (90, 60, 30)


@dataclass(frozen=True)
class ServedValue:
    """What is kept: the fitted model, how the features were distributed that it was trained to score, and repeat
    purchases as they were tracked."""

    model: CustomerValueModel
    profiles: tuple[Profile, ...]
    tracking: pd.DataFrame


class CustomerValue:
    """See ``ml.serving.capability.Capability``.

    Parameters
    ----------
    horizons : days ahead, the first that history allows is taken.
    candidates : who stands in the contest, the simplest first.
    """

    name = CAPABILITY
    code_version = CODE_VERSION
    tables: Mapping[str, Mapping[str, str]] = {
        "customer_value": CUSTOMER_VALUE_COLUMNS,
        "value_tracking": TRACKING_COLUMNS,
    }

    def __init__(self, horizons: Sequence[int] = HORIZONS, candidates: Candidates = CANDIDATES) -> None:
        self.horizons = tuple(horizons)
        self.candidates = candidates

    def read(self, connection: duckdb.DuckDBPyConnection, shop_id: str) -> ShopData:
        """Raises ``NotEnoughData`` where no horizon has enough history."""
        as_of = shop_span(connection, shop_id).known_until
        found = connection.execute("SELECT currency FROM staging.stg_shops WHERE shop_id = ?", [shop_id]).fetchone()
        currency = found[0] if found else None
        for horizon in self.horizons:
            try:
                history = read_history(connection, shop_id, as_of, horizon, currency)
            except NotEnoughData:
                if horizon == self.horizons[-1]:
                    raise
            else:
                return ShopData(shop_id, as_of, history.now.features, history)
        raise ValueError("horizons: expected at least one")

    def parameters(self, data: ShopData) -> Mapping[str, object]:
        """The horizon and the currency."""
        history: ShopHistory = data.history
        return {"horizon_days": history.horizon_days, "currency": history.currency}

    def train(self, data: ShopData, champion: ModelRecord | None, random_state: int) -> Trained:
        """The candidates' contest is at earlier cuts, with naive ones and the kind that serves now among them."""
        history: ShopHistory = data.history
        model = CustomerValueModel(random_state=random_state, candidates=self.candidates)
        model.fit(history, _serving(champion))
        oldest = history.cuts[-1]
        rows = pd.concat([cut.features for cut in history.cuts], ignore_index=True)
        record = ModelRecord(
            capability=self.name,
            shop_id=data.shop_id,
            model="+".join(dict.fromkeys(model.champions_.values())),
            trained_as_of=data.as_of,
            data_from=oldest.as_of,
            data_until=data.as_of,
            training_rows=len(rows),
            features=tuple(model.features_),
            code_version=self.code_version,
            seed=random_state,
            data_digest=data_digest(rows),
            status=CHAMPION,
            reason="; ".join(f"{target}: {why}" for target, why in model.reasons_.items()),
            parameters=dict(self.parameters(data)),
            metrics={**_metrics(model), "winners": dict(model.champions_)},
        )
        measured = [_with_version(row, record.version) for row in model.measured_]
        tracking = track_shop(model, history)
        profiles = tuple(profile(data.features[name]) for name in model.features_ if may_drift(name))
        return Trained(record, ServedValue(model, profiles, tracking), measured, _plots(tracking))

    def drift(self, model: Any, data: ShopData) -> Sequence[Drift]:
        """Of the features that the regressions see."""
        kept: ServedValue = model
        return [drift(one, data.features[one.name]) for one in kept.profiles if one.name in data.features]

    def score(self, model: Any, record: ModelRecord, data: ShopData) -> Mapping[str, pd.DataFrame]:
        """``ml.customer_value`` of today, and ``ml.value_tracking`` as it was at the training."""
        kept: ServedValue = model
        scores = score_customers(kept.model, data.features, data.as_of)
        return {"customer_value": scores.assign(model_version=record.version), "value_tracking": kept.tracking}

    def fault(self, scored: Mapping[str, pd.DataFrame], record: ModelRecord) -> str | None:
        """Expectations that are negative or unknown for everybody."""
        orders = scored["customer_value"]["expected_orders"].to_numpy(dtype=float, na_value=np.nan)
        broken = int((~(orders >= 0)).sum())
        return f"{broken} of {len(orders)} customers have no expected orders" if broken else None


def _serving(champion: ModelRecord | None) -> dict[str, str]:
    """The candidate that serves now, by target; nothing of a record that does not say."""
    winners = champion.metrics.get("winners") if champion else None
    return {str(target): str(name) for target, name in winners.items()} if isinstance(winners, Mapping) else {}


def _metrics(model: CustomerValueModel) -> dict[str, object]:
    """What the chosen models reached at the newest cut: name -> value, low, high."""
    newest = model.trials_[ORDERS][0].cut.as_of
    return {
        row.metric: [round(part, 6) for part in row.figure[:3]]
        for row in model.measured_
        if row.subject.as_of == newest and row.detail.get("chosen") and isinstance(row.figure, Estimate)
    }


def _with_version(row: Measured, version: str) -> Measured:
    return dataclasses.replace(row, subject=dataclasses.replace(row.subject, model_version=version))


def _plots(tracking: pd.DataFrame) -> dict[str, bytes]:
    """Cumulative repeat purchases of all cohorts: as they came, and as each model expected them."""
    if tracking.empty:
        return {}
    lines = {}
    for number, (name, part) in enumerate(tracking.groupby("model", sort=True)):
        by_week = part.groupby("week_end")[["actual_repeats", "expected_repeats"]].sum()
        if number == 0:
            lines["actual"] = (list(by_week.index), by_week["actual_repeats"].to_numpy(dtype=float))
        lines[str(name)] = (list(by_week.index), by_week["expected_repeats"].to_numpy(dtype=float))
    title = "Repeat purchases of all cohorts, cumulated"
    return {"customer value, tracking": lines_plot(lines, title, "week", "repeat purchases")}

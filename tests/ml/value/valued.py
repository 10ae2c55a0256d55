"""A shop's value as the product makes it: read, learned and scored by the capability, in one step."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pandas as pd

from ml.evaluation.results import evaluation_frame
from ml.registry.record import ModelRecord
from ml.value.compare import CANDIDATES, Candidates
from ml.value.customer_value import CustomerValueModel
from ml.value.cuts import ShopHistory
from ml.value.serving import CustomerValue


@dataclass(frozen=True)
class Valued:
    """The rows that a run would write, the fitted model with its trials, its record, and what it learned from."""

    customers: pd.DataFrame
    evaluation: pd.DataFrame
    tracking: pd.DataFrame
    model: CustomerValueModel
    record: ModelRecord
    history: ShopHistory


def value_shop(
    connection: duckdb.DuckDBPyConnection, shop_id: str, horizon_days: int, candidates: Candidates = CANDIDATES
) -> Valued:
    """Value a shop's customers as of its newest day; raises ``NotEnoughData``."""
    capability = CustomerValue((horizon_days,), candidates)
    data = capability.read(connection, shop_id)
    made = capability.train(data, None, 42)
    tables = capability.score(made.model, made.record, data)
    return Valued(
        customers=tables["customer_value"],
        evaluation=evaluation_frame(made.measured),
        tracking=tables["value_tracking"],
        model=made.model.model,  # type: ignore[attr-defined]
        record=made.record,
        history=data.history,
    )

"""What a capability (churn, propensity, value …) must be able to do for :func:`ml.serving.serve.serve`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import duckdb
import pandas as pd

from ml.coded_rows import Rows
from ml.evaluation.drift import Drift
from ml.evaluation.results import Measured
from ml.registry.record import ModelRecord


@dataclass(frozen=True)
class ShopData:
    """One shop as a capability reads it: ``features`` of everyone to score on ``as_of`` (a row each), and
    ``history``, whatever the capability learns from."""

    shop_id: str
    as_of: dt.date
    features: pd.DataFrame
    history: Any


@dataclass(frozen=True)
class Trained:
    """A finished training: the record with its verdict, the model to keep, what was measured, and plots
    (title -> PNG)."""

    record: ModelRecord
    model: object
    measured: Sequence[Measured]
    plots: Mapping[str, bytes] = field(default_factory=dict)


class Capability(Protocol):
    """One kind of score. Every method is a pure function of its arguments and a fixed seed."""

    #: As in ``ml.evaluation`` and in the store's folders.
    name: str
    #: Raised when the code changes in a way that asks for new models.
    code_version: int
    #: Table of schema ``ml`` -> its columns with DuckDB types; each has ``shop_id`` and ``model_version``.
    tables: Mapping[str, Mapping[str, str]]

    def read(self, connection: duckdb.DuckDBPyConnection, shop_id: str) -> ShopData:
        """The shop's data. Raises ``NotEnoughData`` where there is nobody to score or nothing to learn from."""

    def parameters(self, data: ShopData) -> Mapping[str, object]:
        """What a model depends on beside data, code and seed (horizon …); a change asks for a new model."""

    def train(self, data: ShopData, champion: ModelRecord | None, random_state: int) -> Trained:
        """Back-test, decide, fit. Raises ``NotEnoughData``."""

    def drift(self, model: object, data: ShopData) -> Sequence[Drift]:
        """How far today's features lie from those that ``model`` learned from."""

    def score(self, model: object, record: ModelRecord, data: ShopData) -> Mapping[str, Rows]:
        """The rows of ``tables`` for this shop: frames, or numbers with the SELECT that makes rows of them."""

    def fault(self, scored: Mapping[str, Any], record: ModelRecord) -> str | None:
        """Why these scores must not be served, in words; ``None`` where nothing is wrong with them."""


@runtime_checkable
class KeepsParameters(Protocol):
    """A capability that takes parameters from the shop's data, near a limit of which they would change every few days
    and ask for a new model each time."""

    def keeping(self, parameters: Mapping[str, object]) -> Capability:
        """The same capability, which keeps ``parameters`` of the model that serves while they will do."""

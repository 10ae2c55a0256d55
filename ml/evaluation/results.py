"""The long table that every model reports to: ``ml.evaluation``, one row per model and metric.

A naive baseline stands beside every model as rows of the same capability with its own ``model`` name.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

import pandas as pd

from ml.evaluation.intervals import Estimate

#: Column -> DuckDB type of ``ml.evaluation``; its key is capability, shop_id, as_of, model, metric.
EVALUATION_COLUMNS: dict[str, str] = {
    "capability": "VARCHAR",
    "shop_id": "VARCHAR",
    "as_of": "DATE",
    "model": "VARCHAR",
    "metric": "VARCHAR",
    "value": "DOUBLE",
    "ci_low": "DOUBLE",
    "ci_high": "DOUBLE",
    "n": "BIGINT",
    "seed": "BIGINT",
    "model_version": "VARCHAR",
    "detail": "VARCHAR",
}
_KEY = ("capability", "shop_id", "as_of", "model", "metric")
#: Figures are stored to this many decimals, so that exports compare byte by byte.
_DECIMALS = 9


@dataclass(frozen=True)
class Subject:
    """What a figure is about: a model (or baseline) of a capability, for one shop at one date."""

    capability: str
    shop_id: str
    as_of: dt.date
    model: str
    seed: int
    model_version: str


@dataclass(frozen=True)
class Measured:
    """One figure: an ``Estimate`` with its interval, a bare number, or ``None`` where the metric is not
    defined (say why in ``detail``). ``n`` is the number of observations behind a figure without its own."""

    subject: Subject
    metric: str
    figure: Estimate | float | None
    n: int
    detail: Mapping[str, object] = field(default_factory=dict)

    def record(self) -> dict[str, object]:
        """The row of ``ml.evaluation``; raises ``ValueError`` for an infinite figure or a crossed interval."""
        subject = self.subject
        where = f"evaluation {subject.capability}/{subject.shop_id}/{subject.model}/{self.metric}"
        value, low, high, n = self.figure if isinstance(self.figure, Estimate) else (self.figure, None, None, self.n)
        if low is not None and high is not None and low > high:
            raise ValueError(f"{where}: expected ci_low <= ci_high, got {low} and {high}")
        return {
            **asdict(subject),
            "metric": self.metric,
            "value": _rounded(value, f"{where}.value"),
            "ci_low": _rounded(low, f"{where}.ci_low"),
            "ci_high": _rounded(high, f"{where}.ci_high"),
            "n": n,
            "detail": json.dumps(dict(self.detail), sort_keys=True, ensure_ascii=False),
        }


def evaluation_frame(measured: Iterable[Measured]) -> pd.DataFrame:
    """The rows as a frame with ``EVALUATION_COLUMNS``, sorted by key, ``detail`` as JSON with sorted keys.

    Raises ``ValueError`` where two rows share a key, and as :meth:`Measured.record` does.
    """
    frame = pd.DataFrame([row.record() for row in measured], columns=list(EVALUATION_COLUMNS))
    repeated = frame[frame.duplicated(list(_KEY))]
    if len(repeated):
        key = "/".join(str(repeated.iloc[0][column]) for column in _KEY)
        raise ValueError(f"evaluation: expected one row per {', '.join(_KEY)}, got {key} more than once")
    for name in ("value", "ci_low", "ci_high"):
        frame[name] = frame[name].astype("float64")
    return frame.sort_values(list(_KEY), ignore_index=True)


def _rounded(figure: float | None, where: str) -> float | None:
    if figure is None or math.isnan(figure):
        return None
    if math.isinf(figure):
        raise ValueError(f"{where}: expected a finite number, got {figure}")
    return round(float(figure), _DECIMALS)

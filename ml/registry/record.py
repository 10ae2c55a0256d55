"""What is known of a trained model: enough to repeat it, to judge it, and to see that it still fits."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata

import numpy as np
import pandas as pd

#: Serves; won, and waits while a person has pinned another; was refused; served once.
CHAMPION, CHALLENGER, REJECTED, RETIRED = "champion", "challenger", "rejected", "retired"
#: What a saved model is read back with; another version may read it differently.
_LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy")

#: Column -> DuckDB type of ``ml.model_registry``; its key is capability, shop_id, version.
REGISTRY_COLUMNS: dict[str, str] = {
    "capability": "VARCHAR",
    "shop_id": "VARCHAR",
    "version": "VARCHAR",
    "model": "VARCHAR",
    "status": "VARCHAR",
    "is_pinned": "BOOLEAN",
    "trained_as_of": "DATE",
    "data_from": "DATE",
    "data_until": "DATE",
    "training_rows": "BIGINT",
    "features": "VARCHAR",
    "feature_hash": "VARCHAR",
    "code_version": "BIGINT",
    "seed": "BIGINT",
    "metrics": "VARCHAR",
    "reason": "VARCHAR",
}


@dataclass(frozen=True)
class ModelRecord:
    """One trained model of a capability for one shop.

    ``trained_as_of`` is the day up to which data were known when it was trained; ``data_from`` and
    ``data_until`` (exclusive) bound the days its labels come from. ``parameters`` holds whatever else the
    result depends on (horizon, thresholds). ``metrics`` maps names to value, low and high as measured in
    the back-test that chose it.
    """

    capability: str
    shop_id: str
    model: str
    trained_as_of: dt.date
    data_from: dt.date
    data_until: dt.date
    training_rows: int
    features: tuple[str, ...]
    code_version: int
    seed: int
    data_digest: str
    status: str
    reason: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, object] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=lambda: library_versions())

    @property
    def feature_hash(self) -> str:
        """Changes when a feature is added, dropped or renamed."""
        return feature_hash(self.features)

    @property
    def version(self) -> str:
        """Names what was learned from what: the same data, code and seed give the same version again."""
        told = asdict(self)
        for outcome in ("status", "reason", "metrics"):
            del told[outcome]
        return _digest(told)

    def to_json(self) -> str:
        """The record as JSON with sorted keys."""
        return json.dumps({**asdict(self), "version": self.version}, sort_keys=True, ensure_ascii=False, default=str)

    @classmethod
    def from_json(cls, text: str) -> ModelRecord:
        """The record that :meth:`to_json` wrote; raises ``ValueError`` where it is none or was changed by hand."""
        told = json.loads(text)
        try:
            version = told.pop("version", None)
            for day in ("trained_as_of", "data_from", "data_until"):
                told[day] = dt.date.fromisoformat(told[day])
            told["features"] = tuple(told["features"])
            record = cls(**told)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"model record: {error}") from None
        if record.version != version:
            raise ValueError(f"model record: it says version {version}, its content is {record.version}")
        return record


def feature_hash(features: Sequence[str]) -> str:
    """Eight bytes that name a list of features, in hex."""
    return _digest(list(features))


def data_digest(frame: pd.DataFrame) -> str:
    """Eight bytes that name the content of a training frame, whatever its order of rows, in hex."""
    hashes = pd.util.hash_pandas_object(frame.reset_index(drop=True), index=False).to_numpy()
    return hashlib.sha256(np.sort(hashes).tobytes()).hexdigest()[:16]


def library_versions() -> dict[str, str]:
    """The installed versions of the libraries that a saved model depends on."""
    return {name: metadata.version(name) for name in _LIBRARIES}


def registry_frame(records: Iterable[tuple[ModelRecord, str, bool]]) -> pd.DataFrame:
    """``ml.model_registry`` from (record, status as it is now, pinned), sorted by key."""
    rows = [
        {
            "capability": record.capability,
            "shop_id": record.shop_id,
            "version": record.version,
            "model": record.model,
            "status": status,
            "is_pinned": pinned,
            "trained_as_of": record.trained_as_of,
            "data_from": record.data_from,
            "data_until": record.data_until,
            "training_rows": record.training_rows,
            "features": json.dumps(list(record.features), ensure_ascii=False),
            "feature_hash": record.feature_hash,
            "code_version": record.code_version,
            "seed": record.seed,
            "metrics": json.dumps(dict(record.metrics), sort_keys=True, ensure_ascii=False),
            "reason": record.reason,
        }
        for record, status, pinned in records
    ]
    frame = pd.DataFrame(rows, columns=list(REGISTRY_COLUMNS))
    return frame.sort_values(["capability", "shop_id", "version"], ignore_index=True)


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

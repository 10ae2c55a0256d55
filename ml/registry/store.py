"""Trained models on disk: ``<folder>/<capability>/<shop>/<version>/`` and one pointer to the one that serves.

A version is written beside its place and moved there whole, and the pointer is replaced in one step, so a
process killed anywhere leaves the champion of before. Records stay for ever; the models of all but the
newest few versions are removed.

Models are joblib files, which run code when read: the folder must be writable by Footfall alone.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import joblib
import pandas as pd

from ml.evaluation.results import EVALUATION_COLUMNS, evaluation_frame
from ml.registry.record import CHALLENGER, CHAMPION, RETIRED, ModelRecord, registry_frame

_RECORD, _MODEL, _POINTER = "record.json", "model.joblib", "champion.json"
_EVALUATION, _PLOTS = "evaluation.json", "plots"
_LOGGER = logging.getLogger(__name__)
#: Versions whose model is kept beside the champion's, newest first.
KEPT_MODELS = 5


@dataclass(frozen=True)
class Pointer:
    """Which version serves, and whether a person said so."""

    version: str
    is_pinned: bool = False


class ModelStore:
    """The models of all shops under ``folder`` (``FOOTFALL_HOME/models``)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(
        self,
        record: ModelRecord,
        model: object,
        evaluation: pd.DataFrame | None = None,
        plots: Mapping[str, bytes] | None = None,
    ) -> None:
        """Keep ``record`` with its ``model``, and point to it where its status is champion.

        ``evaluation`` (rows of ``ml.evaluation``) and ``plots`` (title -> PNG) are kept beside it, so that
        whoever finds the model finds out how good it is, also after the warehouse was made anew.

        The same version again replaces nothing but the pointer, and record and model where they cannot be read. A
        pinned champion stays: the record is then kept, and contests decide again when the pin is taken off.
        """
        place = self._place(record.capability, record.shop_id) / record.version
        if not place.exists():
            beside = place.with_name(f".{record.version}.{os.getpid()}")
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
            self._dump(model, beside / _MODEL)
            rows = evaluation_frame([]) if evaluation is None else evaluation
            rows.to_json(
                beside / _EVALUATION, orient="records", date_format="iso", double_precision=15, force_ascii=False
            )
            (beside / _PLOTS).mkdir()
            for title, image in (plots or {}).items():
                (beside / _PLOTS / f"{quote(title, safe=' ,')}.png").write_bytes(image)
            _write(beside / _RECORD, record.to_json())
            beside.rename(place)
        else:
            if not self._is_readable(record):
                beside = place / f".{_MODEL}.{os.getpid()}"
                self._dump(model, beside)
                beside.replace(place / _MODEL)
                _replace(place / _RECORD, record.to_json())
            # The newest of one day's trainings is the one that was made last.
            (place / _RECORD).touch()
        pointer = self.pointer(record.capability, record.shop_id)
        if record.status == CHAMPION and not (pointer and pointer.is_pinned):
            self._point(record.capability, record.shop_id, Pointer(record.version))
        self._tidy(record.capability, record.shop_id)

    def pointer(self, capability: str, shop_id: str) -> Pointer | None:
        """Where the champion is, or ``None`` where none was ever chosen."""
        path = self._place(capability, shop_id) / _POINTER
        return Pointer(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    def champion(self, capability: str, shop_id: str) -> ModelRecord | None:
        """The record of the version that serves."""
        pointer = self.pointer(capability, shop_id)
        return self.record(capability, shop_id, pointer.version) if pointer else None

    def record(self, capability: str, shop_id: str, version: str) -> ModelRecord:
        """One version's record; raises ``KeyError`` naming it where there is none."""
        path = self._place(capability, shop_id) / version / _RECORD
        # A version is typed by people: one with a slash in it must not lead to another shop's models.
        if path.parent.name != version or version.startswith(".") or not path.is_file():
            known = ", ".join(record.version for record in self.records(capability, shop_id)) or "none"
            raise KeyError(f"{capability} of shop {shop_id}: no version {version}; there are {known}")
        return ModelRecord.from_json(path.read_text(encoding="utf-8"))

    def load(self, record: ModelRecord) -> object:
        """The model itself. Raises ``KeyError`` where it was removed as too old to serve, ``ValueError`` where it
        cannot be read (its classes have moved, the file was cut off)."""
        path = self._place(record.capability, record.shop_id) / record.version / _MODEL
        if not path.is_file():
            raise KeyError(f"{record.capability} of shop {record.shop_id}: the model {record.version} is not kept")
        try:
            return joblib.load(path)
        except Exception as error:
            # A saved model is code that runs when it is read, and may raise anything.
            told = f"{type(error).__name__}: {error}"
            raise ValueError(f"{path}: expected a model that this Footfall can read, got {told}") from error

    def evaluation(self, record: ModelRecord) -> pd.DataFrame:
        """The rows of ``ml.evaluation`` that were measured when this version was trained."""
        path = self._place(record.capability, record.shop_id) / record.version / _EVALUATION
        rows = json.loads(path.read_text(encoding="utf-8"))
        frame = pd.DataFrame(rows, columns=list(EVALUATION_COLUMNS))
        frame["as_of"] = [dt.date.fromisoformat(str(day)[:10]) for day in frame["as_of"]]
        return frame.astype(dict.fromkeys(("value", "ci_low", "ci_high"), "float64"))

    def plots(self, record: ModelRecord) -> dict[str, bytes]:
        """The plots that were drawn when this version was trained, by title."""
        place = self._place(record.capability, record.shop_id) / record.version / _PLOTS
        return {unquote(path.stem): path.read_bytes() for path in sorted(place.glob("*.png"))}

    def newest(self, capability: str, shop_id: str) -> ModelRecord | None:
        """The record of the last training, whether it serves or not."""
        records = self.records(capability, shop_id)
        return records[-1] if records else None

    def pin(self, capability: str, shop_id: str, version: str) -> None:
        """Let this version serve until :meth:`unpin`; raises ``KeyError`` where it or its model is gone,
        ``ValueError`` where either cannot be read."""
        self.load(self.record(capability, shop_id, version))
        self._point(capability, shop_id, Pointer(version, is_pinned=True))

    def unpin(self, capability: str, shop_id: str) -> None:
        """Let contests decide again; raises ``KeyError`` where nothing is pinned."""
        pointer = self.pointer(capability, shop_id)
        if pointer is None or not pointer.is_pinned:
            raise KeyError(f"{capability} of shop {shop_id}: no version is pinned")
        self._point(capability, shop_id, Pointer(pointer.version))

    def records(self, capability: str, shop_id: str) -> list[ModelRecord]:
        """Every version's record, newest data last; of one day's, the one that was made last comes last.

        A record that cannot be read (cut off, or written by another Footfall) is left out with a warning: it must
        not keep the others from serving.
        """
        found = []
        for path in sorted(self._place(capability, shop_id).glob(f"[!.]*/{_RECORD}")):
            try:
                found.append((ModelRecord.from_json(path.read_text(encoding="utf-8")), path.stat().st_mtime_ns))
            except ValueError as error:
                _LOGGER.warning("%s: left out: %s", path, error)
        ordered = sorted(found, key=lambda one: (one[0].trained_as_of, one[1], one[0].version))
        return [record for record, _ in ordered]

    def registry(self) -> pd.DataFrame:
        """``ml.model_registry``: every version of every shop with its status as it is now."""
        rows: list[tuple[ModelRecord, str, bool]] = []
        for capability, shop_id in self._shops():
            pointer = self.pointer(capability, shop_id)
            seen = False
            for record in self.records(capability, shop_id):
                serves = pointer is not None and pointer.version == record.version
                seen = seen or serves
                rows.append((record, _status(record, serves, seen), serves and bool(pointer and pointer.is_pinned)))
        return registry_frame(rows)

    def _shops(self) -> Iterator[tuple[str, str]]:
        for capability in sorted(self.folder.glob("*/")):
            for shop in sorted(capability.glob("*/")):
                yield capability.name, unquote(shop.name)

    def _place(self, capability: str, shop_id: str) -> Path:
        # A dot is not quoted by itself, and ".." must not lead anywhere.
        return (
            self.folder / quote(capability, safe="").replace(".", "%2E") / quote(shop_id, safe="").replace(".", "%2E")
        )

    def _dump(self, model: object, path: Path) -> None:
        joblib.dump(model, path, compress=3)
        with path.open("rb") as file:
            os.fsync(file.fileno())

    def _is_readable(self, record: ModelRecord) -> bool:
        try:
            self.load(self.record(record.capability, record.shop_id, record.version))
        except (KeyError, ValueError):
            return False
        return True

    def _point(self, capability: str, shop_id: str, pointer: Pointer) -> None:
        _replace(self._place(capability, shop_id) / _POINTER, json.dumps(asdict(pointer)))

    def _tidy(self, capability: str, shop_id: str) -> None:
        pointer = self.pointer(capability, shop_id)
        others = [
            record for record in self.records(capability, shop_id) if not pointer or record.version != pointer.version
        ]
        for record in others[:-KEPT_MODELS]:
            (self._place(capability, shop_id) / record.version / _MODEL).unlink(missing_ok=True)


def _status(record: ModelRecord, serves: bool, after_champion: bool) -> str:
    """What a version is now: one that won later than the champion waits behind a pin, one that won before served."""
    if serves:
        return CHAMPION
    if record.status != CHAMPION:
        return record.status
    return CHALLENGER if after_champion else RETIRED


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    _write(beside, text)
    beside.replace(path)


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())

"""One capability for one shop on one day: learn when due, check, score; or keep what was served before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pandas as pd

from ml.evaluation.drift import Drift
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.results import evaluation_frame
from ml.registry.record import CHAMPION, ModelRecord, library_versions
from ml.registry.store import ModelStore
from ml.serving.capability import Capability, KeepsParameters, ShopData
from ml.serving.status import FRESH, NOT_ENOUGH_DATA, STALE, ScoreStatus, last_status

#: Days after which a model is learned anew, whatever it looks like.
RETRAIN_AFTER_DAYS = 30
#: More of a model's features than this share in severe drift: its scores are not to be believed.
MOST_DRIFTED = 0.5
#: Days since the last scores after which drift is the new normal, and a model is learned from it.
LASTING_DRIFT_DAYS = 3
_SHOWN = 3


@dataclass(frozen=True)
class Served:
    """What came of it. ``tables`` holds the shop's new rows (``ml.coded_rows.Rows``), none where the old ones stay.

    ``evaluation`` and ``plots`` are those of the last training, whenever that was; ``notes`` says in words
    what was done and why, in order.
    """

    status: ScoreStatus
    tables: Mapping[str, Any] = field(default_factory=dict)
    evaluation: pd.DataFrame = field(default_factory=lambda: evaluation_frame([]))
    plots: Mapping[str, bytes] = field(default_factory=dict)
    drift: Sequence[Drift] = ()
    record: ModelRecord | None = None
    notes: tuple[str, ...] = ()


def serve(
    capability: Capability,
    store: ModelStore,
    connection: duckdb.DuckDBPyConnection,
    shop_id: str,
    *,
    retrain: bool = False,
    random_state: int = 42,
) -> Served:
    """Scores of ``shop_id``, or the reason why yesterday's stay or why there are none.

    A model is learned where none serves or can be read, where the last one is ``RETRAIN_AFTER_DAYS`` old or was made
    by other code, libraries, features or parameters, where its features have drifted for ``LASTING_DRIFT_DAYS``, and
    where ``retrain`` asks for it. ``NotEnoughData`` is an answer here, and so is a model that cannot be read;
    every other error is raised.
    """
    before = last_status(connection, capability.name, shop_id)
    pointer = store.pointer(capability.name, shop_id)
    champion, model, unreadable = _serving(store, capability.name, shop_id)
    if champion is not None and isinstance(capability, KeepsParameters):
        capability = capability.keeping(champion.parameters)
    try:
        data = capability.read(connection, shop_id)
    except NotEnoughData as error:
        return Served(_unserved(capability, shop_id, before, None, str(error)), notes=(str(error),))
    notes: list[str] = []
    due = "asked for" if retrain else unreadable or _due(capability, store, data, champion)
    drifted: Sequence[Drift] = ()
    if champion and not due:
        drifted = capability.drift(model, data)
        due = _lasting(_drifted_too_far(drifted), before, data.as_of)
    if due and not (pointer and pointer.is_pinned and not retrain):
        try:
            trained = capability.train(data, champion, random_state)
        except NotEnoughData as error:
            notes.append(f"Training ({due}): {error}")
            if champion is None:
                return Served(_unserved(capability, shop_id, before, data.as_of, str(error)), notes=tuple(notes))
        else:
            store.save(trained.record, trained.model, evaluation_frame(trained.measured), trained.plots)
            notes.append(f"Trained ({due}): {trained.record.model} is {trained.record.status}: {trained.record.reason}")
            champion, model, unreadable = _serving(store, capability.name, shop_id)
    newest = _newest(store, capability.name, data)
    shown: dict[str, Any] = {"evaluation": store.evaluation(newest), "plots": store.plots(newest)} if newest else {}
    if champion is None and unreadable is None:
        reason = notes[-1] if notes else "no model was good enough to serve"
        status = _unserved(capability, shop_id, before, data.as_of, reason, refused=newest is not None)
        return Served(status, notes=tuple(notes), **shown)
    refused = unreadable
    scored: Mapping[str, Any] = {}
    if champion is not None and refused is None:
        # Also where no training was due or none came of it: a pinned model may ask for what is no more.
        refused = _features_gone(champion, data)
        if refused is None:
            drifted = capability.drift(model, data)
            refused = _drifted_too_far(drifted)
        if refused is None:
            scored = capability.score(model, champion, data)
            refused = capability.fault(scored, champion)
    if champion is None or refused is not None:
        told = str(refused)
        if pointer and pointer.is_pinned:
            told += f" (version {pointer.version} is pinned; unpin it to let another serve)"
        notes.append(f"Refused: {told}")
        status = _unserved(capability, shop_id, before, data.as_of, told, refused=True)
        return Served(status, drift=drifted, record=champion, notes=tuple(notes), **shown)
    status = ScoreStatus(
        shop_id,
        capability.name,
        data.as_of,
        data.as_of,
        FRESH,
        champion.reason,
        champion.version,
    )
    return Served(status, scored, drift=drifted, record=champion, notes=tuple(notes), **shown)


def _serving(store: ModelStore, capability: str, shop_id: str) -> tuple[ModelRecord | None, object, str | None]:
    """Record and model of what serves, and why it cannot be read, in words, where it cannot."""
    champion: ModelRecord | None = None
    try:
        champion = store.champion(capability, shop_id)
        return champion, store.load(champion) if champion else None, None
    except (KeyError, ValueError) as error:
        return champion, None, f"the model that serves cannot be read ({error.args[0]})"


def _features_gone(champion: ModelRecord, data: ShopData) -> str | None:
    lost = sorted(set(champion.features) - set(data.features.columns))
    return f"features are gone: {', '.join(lost)}" if lost else None


def _due(capability: Capability, store: ModelStore, data: ShopData, champion: ModelRecord | None) -> str | None:
    """Why a model must be learned now, in words; ``None`` where the one that serves will do."""
    if champion is None:
        return "no model serves yet"
    if champion.code_version != capability.code_version:
        return "the code has changed"
    if dict(champion.libraries) != library_versions():
        return "the libraries have changed"
    lost = _features_gone(champion, data)
    if lost:
        return lost
    if dict(champion.parameters) != dict(capability.parameters(data)):
        return "the parameters have changed"
    # The newest attempt, also one that did not win: the champion may well be older.
    newest = _newest(store, capability.name, data) or champion
    if champion.trained_as_of > data.as_of and (newest.status == CHAMPION or newest.trained_as_of > data.as_of):
        return f"the model that serves is of {champion.trained_as_of}, which the data no longer reach"
    if newest.status == CHAMPION and newest.version != champion.version:
        # A run died between keeping the model and pointing to it, or a person took a pin off.
        return "the last training won and does not serve"
    age = (data.as_of - newest.trained_as_of).days
    return f"the last training is {age} days old" if age >= RETRAIN_AFTER_DAYS else None


def _newest(store: ModelStore, capability: str, data: ShopData) -> ModelRecord | None:
    """The last training of a day that the data reach, or the last one where there is none: when an order dated years
    ahead is taken back, what was learned from it must not pass for newer than what is learned now."""
    records = store.records(capability, data.shop_id)
    return next((one for one in reversed(records) if one.trained_as_of <= data.as_of), records[-1] if records else None)


def _drifted_too_far(drifted: Sequence[Drift]) -> str | None:
    severe = sorted((one for one in drifted if one.level == "severe"), key=lambda one: (-one.psi, one.feature))
    if not drifted or len(severe) <= MOST_DRIFTED * len(drifted):
        return None
    shown = ", ".join(f"{one.feature} {one.psi:.2f}" for one in severe[:_SHOWN])
    return f"{len(severe)} of {len(drifted)} features have drifted (PSI: {shown})"


def _lasting(drifted: str | None, before: ScoreStatus | None, as_of: dt.date) -> str | None:
    """Drift that is to be learned from: it has kept scores back for ``LASTING_DRIFT_DAYS``, or there never were any,
    or those that are served are of a day that the data do not reach any more.

    On its first days it may as well be a log that broke, from which a model would learn what is not so.
    """
    if drifted is None or before is None or before.served_as_of is None:
        return drifted
    days = (as_of - before.served_as_of).days
    if days < 0:
        return f"the scores are of {before.served_as_of}, after which there are no data, and {drifted}"
    return f"for {days} days {drifted}" if days >= LASTING_DRIFT_DAYS else None


def _unserved(
    capability: Capability,
    shop_id: str,
    before: ScoreStatus | None,
    as_of: dt.date | None,
    reason: str,
    refused: bool = False,
) -> ScoreStatus:
    """The status of a shop that got no new scores: the old ones stay, marked stale, or there are none."""
    if before is not None and before.served_as_of is not None:
        return ScoreStatus(shop_id, capability.name, as_of, before.served_as_of, STALE, reason, before.model_version)
    return ScoreStatus(shop_id, capability.name, as_of, None, STALE if refused else NOT_ENOUGH_DATA, reason, None)

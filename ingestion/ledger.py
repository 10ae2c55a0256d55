"""The load ledger: one JSON file per load, written last. A load without its entry never happened.

``active_loads`` are those whose rows count: in the ledger and not superseded by another entry.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from ingestion.durable import write_bytes_durably
from ingestion.lake import Lake


class LedgerError(RuntimeError):
    """The ledger is inconsistent, or a load asked for is not in it; the message names the load."""


@dataclass(frozen=True)
class LedgerEntry:
    """What one load did. Row counts are source rows, except ``contract_rows`` (rows written to the lake)."""

    load_id: str
    contract: str
    contract_version: int
    shop_id: str
    source: str
    mapping_fingerprint: str
    files: list[str]
    file_sha256: str
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    rows_duplicate: int
    rows_skipped: int
    contract_rows: int
    arrival_days: list[dict[str, Any]]  # [{"day": "YYYY-MM-DD", "rows": n}]
    supersedes: list[str]
    replays: str | None
    loaded_at: str
    min_event_ts: str | None
    max_event_ts: str | None
    pseudonymised: bool = False
    source_types: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        accounted = self.rows_accepted + self.rows_quarantined + self.rows_duplicate + self.rows_skipped
        if self.rows_read != accounted:
            raise LedgerError(
                f"load {self.load_id} of {', '.join(self.files)}: read {self.rows_read} rows but accepted "
                f"{self.rows_accepted} + quarantined {self.rows_quarantined} + duplicate {self.rows_duplicate} + "
                f"skipped {self.rows_skipped} = {accounted}"
            )


def entry_path(lake: Lake, load_id: str) -> Path:
    """File of a load's entry."""
    return lake.ledger_folder / f"{load_id}.json"


def read_entry(lake: Lake, load_id: str) -> LedgerEntry | None:
    """The entry of ``load_id``, or None."""
    path = entry_path(lake, load_id)
    return _parse(path) if path.exists() else None


def _parse(path: Path) -> LedgerEntry:
    try:
        return LedgerEntry(**json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise LedgerError(f"{path}: expected one ledger entry as JSON: {error}") from error


def write_entry(lake: Lake, entry: LedgerEntry) -> None:
    """Commit a load."""
    text = json.dumps(asdict(entry), ensure_ascii=False, sort_keys=True)
    write_bytes_durably(entry_path(lake, entry.load_id), text.encode() + b"\n")


def read_ledger(lake: Lake) -> list[LedgerEntry]:
    """Every entry, oldest first."""
    entries = [_parse(path) for path in sorted(lake.ledger_folder.glob("*.json")) if path.name != "schema.json"]
    return sorted(entries, key=lambda entry: (entry.loaded_at, entry.load_id))


def active_loads(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """The entries that no other entry supersedes."""
    entries = list(entries)
    gone = {load_id for entry in entries for load_id in entry.supersedes}
    return [entry for entry in entries if entry.load_id not in gone]


def pending_quarantine(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """Active loads whose quarantined rows count: not read again by a later active load."""
    active = active_loads(entries)
    replayed = {entry.replays for entry in active}
    return [entry for entry in active if entry.rows_quarantined and entry.load_id not in replayed]


def dirty_days(entries: Iterable[LedgerEntry], load_ids: Iterable[str]) -> dict[str, list[date]]:
    """Arrival days by shop that these loads changed: their own and those of the loads they supersede."""
    known = {entry.load_id: entry for entry in entries}
    days: dict[str, set[date]] = {}
    for load_id in load_ids:
        if load_id not in known:
            raise LedgerError(f"load {load_id}: not in the ledger")
        for touched in (load_id, *known[load_id].supersedes):
            entry = known[touched]
            days.setdefault(entry.shop_id, set()).update(date.fromisoformat(day["day"]) for day in entry.arrival_days)
    return {shop_id: sorted(found) for shop_id, found in days.items()}


def superseded_by(entries: Iterable[LedgerEntry], shop_id: str, contract: str, name: str) -> list[str]:
    """Load ids that superseding ``name`` (a load id, or the name of a file) makes obsolete, replays included.

    ``LedgerError`` when no active load of that shop and contract answers to ``name``.
    """
    candidates = [entry for entry in active_loads(entries) if entry.shop_id == shop_id and entry.contract == contract]
    found = {entry.load_id for entry in candidates if name in (entry.load_id, entry.replays)}
    if not found:
        found = {entry.load_id for entry in candidates if name in entry.files}
    if not found:
        files = sorted({file for entry in candidates for file in entry.files})
        listed = ", ".join(files[-5:]) or "none"
        raise LedgerError(f"supersede {name!r}: shop {shop_id} has no such load of {contract}; last files: {listed}")
    grew = True
    while grew:
        heirs = {entry.load_id for entry in candidates if entry.replays in found} - found
        found |= heirs
        grew = bool(heirs)
    return sorted(found)

"""The landing folder with this installation's settings."""

from __future__ import annotations

from collections.abc import Callable

from ingestion.lake import Lake
from ingestion.landing import Sweep, sweep_landing
from ingestion.ledger import LedgerEntry
from orchestration.settings import Settings


def sweep(settings: Settings, lake: Lake, say: Callable[[str], None]) -> Sweep:
    """Load what waits, telling ``say`` in words of each file."""
    key = settings.pseudonym_key
    return sweep_landing(
        settings.landing,
        lake,
        settings.shops,
        pseudonym_key=key.get_secret_value().encode() if key else None,
        on_load=lambda result: say(load_in_words(result.entry)),
    )


def load_in_words(entry: LedgerEntry) -> str:
    """One line about one load."""
    return (
        f"{entry.files[0]}: read {entry.rows_read}, accepted {entry.rows_accepted}, "
        f"quarantined {entry.rows_quarantined}, duplicate {entry.rows_duplicate}, "
        f"skipped {entry.rows_skipped} (load {entry.load_id})"
    )

"""Asset checks: what dbt's tests cannot see, explained in words that say where to look.

Rules on one table are dbt tests. Here is what crosses steps (ledger, warehouse, models, clock). A
failed reconciliation blocks what is below it, so nothing that does not add up is published.
"""

# No `from __future__ import annotations` here: Dagster reads the checks' annotations as objects.
from datetime import UTC, datetime

import dagster as dg

from ingestion.lake import Lake
from ingestion.ledger import LedgerEntry, LedgerError, pending_quarantine, read_ledger
from orchestration.health import age_of_data, hours_in_words
from orchestration.reconciliations import RECONCILIATIONS, Reconciliation, examine
from orchestration.resources import WAREHOUSE_POOL, Warehouse
from orchestration.settings import Settings

_SHOWN = 5


def build_checks() -> list[dg.AssetChecksDefinition]:
    """All checks."""
    return [
        ledger_closes,
        quarantine_share,
        newest_event_is_recent,
        *(_reconciliation_check(question) for question in RECONCILIATIONS),
    ]


@dg.asset_check(
    asset=["lake", "ledger"],
    blocking=True,
    description="For every load: rows read = accepted + quarantined + duplicate + skipped.",
)
def ledger_closes(settings: dg.ResourceParam[Settings]) -> dg.AssetCheckResult:
    """Reading the ledger proves that every entry closes; the error names the one that does not."""
    try:
        entries = read_ledger(Lake(settings.lake))
    except LedgerError as error:
        return dg.AssetCheckResult(passed=False, description=f"{error}. Look at {settings.lake / 'ledger'}.")
    total = sum(entry.rows_read for entry in entries)
    return dg.AssetCheckResult(
        passed=True,
        description=f"{len(entries)} loads, {total:,} rows read, every one accounted for.",
        metadata={"loads": len(entries), "rows_read": total},
    )


@dg.asset_check(
    asset=["lake", "quarantine"],
    description="No load has more than the allowed share of its rows in quarantine.",
)
def quarantine_share(settings: dg.ResourceParam[Settings]) -> dg.AssetCheckResult:
    """Loads over the limit, worst first; rows replayed since do not count."""
    entries = pending_quarantine(read_ledger(Lake(settings.lake)))
    over = sorted(
        (entry for entry in entries if _share(entry) > settings.max_quarantine_share), key=_share, reverse=True
    )
    words = (
        f"{len(entries)} loads have rows in quarantine, none above {settings.max_quarantine_share:.1%} of what it read."
    )
    if over:
        lines = [
            f"- {entry.files[0]} ({entry.source}): {entry.rows_quarantined:,} of {entry.rows_read:,} rows "
            f"({_share(entry):.1%}), load {entry.load_id}"
            for entry in over[:_SHOWN]
        ]
        words = (
            f"{len(over)} loads have more than {settings.max_quarantine_share:.1%} of their rows in quarantine:\n"
            + "\n".join(lines)
            + f"\nThe rows with their reasons are under {settings.lake / 'quarantine'}. "
            "Mend the mapping, then `footfall ingest --replay`."
        )
    return dg.AssetCheckResult(
        passed=not over,
        severity=dg.AssetCheckSeverity.WARN,
        description=words,
        metadata={"loads_over": len(over), "rows_in_quarantine": sum(entry.rows_quarantined for entry in entries)},
    )


@dg.asset_check(
    asset=["published"],
    description="The newest event's day is no longer ago than allowed: data time, not run time.",
)
def newest_event_is_recent(settings: dg.ResourceParam[Settings]) -> dg.AssetCheckResult:
    """Warns, for each shop, when a green run has only processed old data."""
    ages = age_of_data(settings, datetime.now(UTC))
    old = [age for age in ages if age.hours > settings.max_event_age_hours]
    listed = ", ".join(f"{age.shop_id}: {age.newest_day} ({hours_in_words(age.hours)} ago)" for age in ages) or "none"
    words = f"Newest day with events by shop: {listed}."
    if old or not ages:
        words += (
            f" Expected at most {settings.max_event_age_hours} hours since the end of that day. "
            f"Look whether files still arrive under {settings.landing}."
        )
    return dg.AssetCheckResult(
        passed=bool(ages) and not old,
        severity=dg.AssetCheckSeverity.WARN,
        description=words,
        metadata={"shops": len(ages)},
    )


def _reconciliation_check(question: Reconciliation) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name=question.name,
        asset=list(question.asset),
        additional_deps=[list(asset) for asset in question.more_assets],
        blocking=True,
        description=question.description,
        pool=WAREHOUSE_POOL,
    )
    def check(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        with warehouse.connect(read_only=True) as connection:
            verdict = examine(connection, question)
        return dg.AssetCheckResult(
            passed=verdict.passed, description=verdict.words, metadata={"faults": verdict.faults}
        )

    return check


def _share(entry: LedgerEntry) -> float:
    return entry.rows_quarantined / entry.rows_read if entry.rows_read else 0.0

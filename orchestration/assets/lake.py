"""The first step of a run: load what waits in the landing folder, then say what the run's days hold."""

# No `from __future__ import annotations` here: Dagster reads the steps' annotations as objects.
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg

from ingestion.contract import CONTRACTS
from ingestion.lake import Lake
from ingestion.landing import Sweep
from ingestion.ledger import LedgerEntry, active_loads, pending_quarantine, read_ledger
from orchestration.landing import sweep
from orchestration.partitions import arrival_days, run_days
from orchestration.settings import Settings

GROUP = "ingestion"
_READABLE = "landing_files_readable"
#: Days spelled out in an asset's metadata.
_SHOWN_DAYS = 31
_FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))

_OTHERS = {
    "quarantine": "Rows that did not fit the contract, each with the reason in words; they can be replayed.",
    "ledger": "One entry per load, written last: what a load read, accepted, quarantined and dropped.",
    "identity_overrides": "Decisions of people about who uses which device, newest last.",
    "shops": "The shops with their time zone, currency and where their orders come from.",
}
_KINDS = {"ledger": "json", "identity_overrides": "csv"}

Yielded = dg.MaterializeResult[Any] | dg.AssetCheckResult


def build_lake_assets(settings: Settings, tables: set[str]) -> dg.AssetsDefinition:
    """The lake as assets ``lake/<table>`` for each of ``tables`` (the dbt sources), by arrival day."""
    described = {name: contract.description for name, contract in CONTRACTS.items()} | _OTHERS
    specs = [
        dg.AssetSpec(
            ["lake", table],
            description=described[table],
            group_name=GROUP,
            owners=[settings.owner],
            kinds={_KINDS.get(table, "parquet")},
            freshness_policy=_FRESH if table == "events" else None,
        )
        for table in sorted(tables)
    ]

    @dg.multi_asset(
        name="lake",
        specs=specs,
        check_specs=[
            dg.AssetCheckSpec(
                _READABLE,
                asset=["lake", "ledger"],
                description="Every file in the landing folder could be loaded with its mapping.",
            )
        ],
        partitions_def=arrival_days(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
    )
    def lake(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[Yielded]:
        home = Lake(settings.lake)
        swept = sweep(settings, home, context.log.info)
        ledger = active_loads(read_ledger(home))
        span = run_days(context)
        for spec in (spec for spec in specs if spec.key in context.selected_asset_keys):
            yield dg.MaterializeResult(asset_key=spec.key, metadata=_metadata(spec.key.path[-1], ledger, span, swept))
        if context.selected_asset_check_keys:
            yield _readable(swept)

    return lake


def _metadata(table: str, ledger: list[LedgerEntry], span: tuple[date, date], swept: Sweep) -> dict[str, Any]:
    if table == "ledger":
        return {"new_loads": len(swept.loaded), "active_loads": len(ledger), "unreadable_files": len(swept.problems)}
    if table == "shops":
        return {"shops": ", ".join(sorted({entry.shop_id for entry in ledger}))}
    if table == "quarantine":
        waiting = pending_quarantine(ledger)
        return {"rows": sum(entry.rows_quarantined for entry in waiting), "loads": len(waiting)}
    days: dict[str, tuple[int, int]] = {}
    for entry in ledger:
        for part in entry.arrival_days if entry.contract == table else []:
            if span[0].isoformat() <= part["day"] <= span[1].isoformat():
                rows, loads = days.get(part["day"], (0, 0))
                days[part["day"]] = (rows + part["rows"], loads + 1)
    metadata: dict[str, Any] = {
        "rows": sum(rows for rows, _ in days.values()),
        "loads": sum(loads for _, loads in days.values()),
        "days_with_rows": len(days),
    }
    if days:
        lines = [f"| {day} | {rows} | {loads} |" for day, (rows, loads) in sorted(days.items())[-_SHOWN_DAYS:]]
        metadata["by_arrival_day"] = dg.MarkdownMetadataValue(
            "\n".join(["| day | rows | loads |", "| --- | --- | --- |", *lines])
        )
    return metadata


def _readable(swept: Sweep) -> dg.AssetCheckResult:
    problems = swept.problems
    words = f"{len(swept.loaded)} new files loaded, {swept.known} known already; none was unreadable."
    if problems:
        listed = "\n".join(f"- {problem.name}: {problem.reason}" for problem in problems)
        words = f"{len(problems)} files in landing/ could not be loaded and wait there:\n{listed}"
    return dg.AssetCheckResult(
        asset_key=["lake", "ledger"],
        check_name=_READABLE,
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        description=words,
        metadata={"unreadable_files": len(problems)},
    )

"""`footfall run` and `footfall status`: arrival days processed, and how things stand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli_support import FAILED, LOOK, answer_json, known_errors, refuse, settings_or_refuse, tell
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.run_days import RunOutcome
    from publishing.pending import DayRange


def run(
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First arrival day.")] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last arrival day (included).")
    ] = None,
    pending: Annotated[
        bool, typer.Option("--pending", help="All days that are loaded and not published (default).")
    ] = False,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Rebuild every table from the whole lake.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Process arrival days: load what waits, build sessions to segments, check, publish.

    Any range is one run. Runs show in the UI of `footfall dev`.

    Examples:

      footfall run

      footfall run --from 2025-03-01 --to 2025-03-31

      footfall run --full-refresh
    """
    settings = settings_or_refuse()
    if (first is None) != (last is None):
        refuse("run: expected both --from and --to, or neither")
    if pending and first is not None:
        refuse("run: expected --pending or a range, not both")
    from orchestration.run_days import DayOutOfHistory

    with known_errors():
        try:
            if first is not None and last is not None:
                if last < first:
                    refuse(f"run: --to {last.date()} is before --from {first.date()}")
                outcomes = run_range(settings, first.date(), last.date(), full_refresh)
            else:
                outcomes = run_pending(settings, full_refresh)
        except DayOutOfHistory as error:
            refuse(f"run: {error}")
    if as_json:
        answer_json({"runs": [_as_dict(outcome) for outcome in outcomes]})
    elif not outcomes:
        typer.echo("Nothing to do: every arrival day in the lake is published.")
    for outcome in outcomes:
        if not as_json:
            state = "published" if outcome.success else "failed"
            typer.echo(f"{outcome.first} to {outcome.last}: {state} (run {outcome.run_id})")
        for words in outcome.warnings:
            tell(f"warning: {words}")
        for words in outcome.failures:
            tell(f"failed: {words}")
    if not all(outcome.success for outcome in outcomes):
        raise typer.Exit(FAILED)


def run_range(settings: Settings, first: date, last: date, full_refresh: bool = False) -> list[RunOutcome]:
    """One run over the days."""
    from orchestration.dbt_in_process import prepare_manifest
    from orchestration.run_days import run_days

    prepare_manifest()
    tell(f"Arrival days {first} to {last}")
    return [run_days(settings, first, last, full_refresh, say=tell)]


def run_pending(settings: Settings, full_refresh: bool = False) -> list[RunOutcome]:
    """A run per stretch of pending days, stopping at the first that fails. What waits in the landing folder
    is loaded first, since it decides which days are pending. A full refresh is one run over all days."""
    spans = _spans(settings, full_refresh)
    outcomes: list[RunOutcome] = []
    for span in spans:
        outcomes += run_range(settings, span.first, span.last, full_refresh)
        if not outcomes[-1].success:
            break
    return outcomes


def _spans(settings: Settings, full_refresh: bool) -> list[DayRange]:
    from ingestion.lake import Lake
    from orchestration.batches import rows_by_day
    from orchestration.health import waiting_days
    from orchestration.landing import sweep
    from orchestration.requests import pending_ranges, split_by_history
    from publishing.pending import DayRange

    lake = Lake(settings.lake)
    for problem in sweep(settings, lake, tell).problems:
        tell(f"could not be loaded: {problem.name}: {problem.reason}")
    if full_refresh:
        inside = [day for day in rows_by_day(lake) if day >= settings.history_start]
        return [DayRange(min(inside), max(inside))] if inside else []
    inside_history, before = split_by_history(settings, waiting_days(settings))
    if before:
        tell(
            f"warning: {len(before)} arrival days from {before[0].arrival_date} lie before FOOTFALL_HISTORY_START "
            f"({settings.history_start}) and are left out."
        )
    return pending_ranges(settings, inside_history)


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """How things stand: loads, pending days, published version, age of the data, alerts.

    Ends with 3 when something needs a look. Opens neither the warehouse nor the UI's storage.

    Examples:

      footfall status

      footfall status --json | jq .pending_days
    """
    settings = settings_or_refuse()
    from orchestration.status import status_of

    with known_errors():
        found = status_of(settings, datetime.now(UTC))
    if as_json:
        answer_json(found.as_dict())
    else:
        typer.echo(found.in_words())
    if found.troubles:
        raise typer.Exit(LOOK)


def _as_dict(outcome: RunOutcome) -> dict[str, object]:
    return {
        "run_id": outcome.run_id,
        "from": outcome.first.isoformat(),
        "to": outcome.last.isoformat(),
        "success": outcome.success,
        "failures": list(outcome.failures),
        "warnings": list(outcome.warnings),
    }

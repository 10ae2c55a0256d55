"""`footfall simulate` and `footfall ingest`: data in."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration.cli_support import LOOK, answer_json, known_errors, refuse, settings_or_refuse, tell


def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write logs, tables and the planted truth to.")],
    visitors: Annotated[int, typer.Option(min=1, help="People who come to the shop.")] = 5000,
    days: Annotated[int, typer.Option(min=1, help="Length of the history in days.")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    start: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day (default: so that it ends yesterday).")
    ] = None,
    timezone: Annotated[str, typer.Option(help="Zone of the shop's day.")] = "Asia/Shanghai",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "CNY",
    per_day: Annotated[bool, typer.Option("--per-day", help="Shop tables as one file per day of change.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Write a simulated shop: event logs by arrival day, shop tables, and the truth beside them.

    Examples:

      footfall simulate --out ./shop

      footfall simulate --out ./big --visitors 200000 --days 365 --seed 1 --json
    """
    from pydantic import ValidationError

    from ingestion.simulator import SimulatorConfig
    from ingestion.simulator import simulate as write_shop

    first = start.date() if start else date.today() - timedelta(days=days)
    try:
        config = SimulatorConfig(
            visitors=visitors, days=days, seed=seed, start=first, timezone=timezone, currency=currency
        )
    except ValidationError as error:
        refuse("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()))
    summary = write_shop(config, out, per_day=per_day)
    if as_json:
        answer_json(summary.to_dict())
        return
    typer.echo(
        f"{summary.lines:,} log lines in {summary.log_files} files and {summary.table_files} table files under {out}, "
        f"{summary.first_day} to {summary.last_day}: {summary.sessions:,} sessions, {summary.orders:,} orders.\n"
        f"Load them: footfall ingest --source footfall_simulator_events {out}/logs/*.jsonl.gz"
    )


def ingest(
    source: Annotated[str, typer.Option(help="Name of a shipped mapping, or a mapping file (.yml).")],
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files to load: CSV, JSON lines, Parquet; plain, .gz, .zst.")
    ] = None,
    shop: Annotated[str | None, typer.Option(help="Shop the rows belong to (default: FOOTFALL_SHOP_ID).")] = None,
    supersede: Annotated[
        str | None, typer.Option(help="Load id or file name that the one given file replaces.")
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Read this source's quarantine again with the mended mapping.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Load files into the lake. The same bytes twice change nothing.

    Ends with 3 when a load has more than FOOTFALL_MAX_QUARANTINE_SHARE of its rows in quarantine.

    Examples:

      footfall ingest --source taobao_userbehavior UserBehavior.csv

      footfall ingest --source my/nginx.yml logs/access-*.log.gz

      footfall ingest --source my/nginx.yml --supersede access-2025-03-01.log.gz corrected.log.gz

      footfall ingest --source my/nginx.yml --replay
    """
    settings = settings_or_refuse()
    if replay == bool(files):
        refuse("ingest: expected files, or --replay without files")
    if supersede and (not files or len(files) != 1):
        refuse(f"ingest --supersede: expected exactly one file that replaces {supersede}, found {len(files or [])}")
    from ingestion.lake import Lake
    from ingestion.load import connect, ingest_file
    from ingestion.mapping import load_mapping

    key = settings.pseudonym_key.get_secret_value().encode() if settings.pseudonym_key else None
    with known_errors():
        mapping = load_mapping(source)
        which = settings.shop(shop)
        lake = Lake(settings.lake)
        results = []
        try:
            if replay:
                from ingestion.replay import replay_quarantine

                results = list(replay_quarantine(lake, mapping, which, pseudonym_key=key))
            else:
                with connect(lake) as connection:
                    for path in files or []:
                        result = ingest_file(
                            lake, path, mapping, which, supersede=supersede, pseudonym_key=key, connection=connection
                        )
                        results.append(result)
                        if not as_json:
                            _tell_load(result)
        except ValueError as error:
            # A shop that changed its clock or its currency: the rows in the lake were made with the old one.
            refuse(str(error), 1)
    over = [r for r in results if r.entry.rows_quarantined > settings.max_quarantine_share * r.entry.rows_read]
    if as_json:
        answer_json({"loads": [_as_dict(result) for result in results], "over_quarantine_share": len(over)})
    elif replay:
        for result in results:
            _tell_load(result)
        if not results:
            typer.echo(f"No rows of {mapping.source} are in quarantine.")
    if over:
        tell(
            f"{len(over)} loads have more than {settings.max_quarantine_share:.1%} of their rows in quarantine; "
            f"the rows and their reasons are under {settings.lake / 'quarantine'}."
        )
        raise typer.Exit(LOOK)


def _tell_load(result: Any) -> None:
    entry = result.entry
    state = "already loaded" if result.already_loaded else "loaded"
    typer.echo(
        f"{entry.files[0]}: {state} as {entry.load_id}: read {entry.rows_read:,}, accepted {entry.rows_accepted:,}, "
        f"quarantined {entry.rows_quarantined:,}, duplicate {entry.rows_duplicate:,}, skipped {entry.rows_skipped:,}"
    )
    for warning in result.warnings:
        tell(f"  {warning}")


def _as_dict(result: Any) -> dict[str, Any]:
    entry = result.entry
    names = [
        "load_id",
        "contract",
        "shop_id",
        "source",
        "files",
        "rows_read",
        "rows_accepted",
        "rows_quarantined",
        "rows_duplicate",
        "rows_skipped",
        "contract_rows",
        "arrival_days",
        "supersedes",
        "replays",
    ]
    return {
        **{name: getattr(entry, name) for name in names},
        "already_loaded": result.already_loaded,
        "warnings": result.warnings,
    }

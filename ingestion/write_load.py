"""Putting a judged load into the lake: stage, move into place, commit; killed anywhere, it leaves no half."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb

from ingestion.contract import CONTRACT_VERSION
from ingestion.durable import crash_point, make_folder, publish_file
from ingestion.expressions import quote_identifier, quote_literal
from ingestion.lake import QUARANTINE, Lake, copy_to_parquet, table_columns
from ingestion.ledger import LedgerEntry, write_entry
from ingestion.load_request import LoadRequest
from ingestion.shop_clock import local_time_sql
from ingestion.sort_rows import sort_days
from ingestion.validation import TypedRows


def write_load(
    lake: Lake, connection: duckdb.DuckDBPyConnection, request: LoadRequest, typed: TypedRows, entry: LedgerEntry
) -> None:
    """Stage every file of ``ff_rows``, move each into place, then commit with the ledger entry."""
    lake.clear_staging()
    for stray in lake.files_of(request.load_id, request.shop.shop_id):
        stray.unlink()  # from an attempt that died: its days may differ from today's
    staging = lake.staging_folder / request.load_id
    make_folder(staging)
    moves: list[tuple[Path, Path]] = []
    contract, shop_id = request.mapping.contract, request.shop.shop_id
    days = [day["day"] for day in entry.arrival_days]
    rows = sort_days(connection, request, len(days))
    fields = _lake_fields(connection, request, typed, entry)
    for day in days:
        aside = staging / f"{day}.parquet"
        # Sorted first and only then made wide: hashes are not dragged through the sort.
        copy_to_parquet(connection, f"SELECT {fields} FROM ({rows.sql(day)})", aside)
        moves.append((aside, lake.file_path(contract, shop_id, day, request.load_id)))
    if entry.rows_quarantined:
        bad_days = connection.execute("SELECT DISTINCT arrival_date FROM ff_quarantine ORDER BY 1").fetchall()
        for (day,) in bad_days:
            aside = staging / f"{QUARANTINE}-{day}.parquet"
            copy_to_parquet(connection, f"SELECT * FROM ff_quarantine WHERE arrival_date = DATE '{day}'", aside)
            moves.append((aside, lake.file_path(QUARANTINE, shop_id, day, request.load_id)))
    crash_point("ingest:staged")
    for aside, final in moves:
        publish_file(aside, final)
        crash_point("ingest:renamed")
    crash_point("ingest:before_ledger")
    write_entry(lake, entry)
    crash_point("ingest:after_ledger")
    lake.clear_staging()


def _lake_fields(
    connection: duckdb.DuckDBPyConnection, request: LoadRequest, typed: TypedRows, entry: LedgerEntry
) -> str:
    """SELECT list over sorted ``ff_rows`` of the lake's columns in the contract's order.

    Columns that the load knows nothing of are left out: forty columns of nulls cost more than the rest.
    Words that are the same in every row are enums of one: written as a dictionary without being looked at.
    """
    present = {row[0] for row in connection.execute("DESCRIBE ff_rows").fetchall()}
    replayed = request.replays is not None
    stamped = {
        "shop_id": _constant(request.shop.shop_id),
        "arrival_date": "__arrival",
        "source": _constant(request.mapping.source),
        "contract_version": str(CONTRACT_VERSION),
        "source_file": "source_file" if replayed else _constant(request.files[0]),
        "source_row": "source_row" if replayed else "__row",
        "load_id": _constant(request.load_id),
        "content_hash": f"coalesce(content_hash, {typed.content})" if "content_hash" in present else typed.content,
    }
    if "__value" in present:
        stamped["value"] = "__value"
    if request.mapping.contract == "events" and entry.min_event_ts and entry.max_event_ts:
        first, last = datetime.fromisoformat(entry.min_event_ts), datetime.fromisoformat(entry.max_event_ts)
        local = local_time_sql(connection, "event_ts", request.shop.timezone, first, last)
        stamped |= {"event_date": local, "event_hour": f"extract(hour FROM {local})"}
    fields = []
    for name, type_name in table_columns(request.mapping.contract).items():
        sql = stamped.get(name) or typed.late.get(name) or (quote_identifier(name) if name in present else None)
        if sql is None:
            continue
        is_word = type_name == "VARCHAR"  # an enum is written as text
        fields.append(f"{sql if is_word else f'({sql})::{type_name}'} AS {quote_identifier(name)}")
    return ", ".join(fields)


def _constant(word: str) -> str:
    """A word as an enum of itself."""
    return f"{quote_literal(word)}::ENUM({quote_literal(word)})"

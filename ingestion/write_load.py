"""Putting a judged load into the lake: stage, move into place, commit; killed anywhere, it leaves no half."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from ingestion.carry import Carried
from ingestion.contract import CONTRACT_VERSION
from ingestion.durable import crash_point, make_folder, publish_file
from ingestion.expressions import quote_identifier, quote_literal
from ingestion.lake import QUARANTINE, Lake, copy_to_parquet, table_columns
from ingestion.ledger import LedgerEntry, write_entry
from ingestion.mapping_models import SourceMapping
from ingestion.shops import Shop


@dataclass(frozen=True)
class LoadRequest:
    """One opened file on its way into the lake; ``replays`` names the load whose quarantine it reads again."""

    load_id: str
    files: list[str]
    file_sha256: str
    mapping: SourceMapping
    shop: Shop
    supersedes: list[str]
    replays: str | None
    pseudonymise: bool
    now: datetime
    row_arrival: str | None = None
    source_types: dict[str, str] = field(default_factory=dict)
    pseudonymised: bool = False
    carried: Carried | None = None


def write_load(lake: Lake, connection: duckdb.DuckDBPyConnection, request: LoadRequest, entry: LedgerEntry) -> None:
    """Stage every file, move each into place, then commit with the ledger entry."""
    lake.clear_staging()
    for stray in lake.files_of(request.load_id, request.shop.shop_id):
        stray.unlink()  # from an attempt that died: its days may differ from today's
    staging = lake.staging_folder / request.load_id
    make_folder(staging)
    moves: list[tuple[Path, Path]] = []
    contract, shop_id = request.mapping.contract, request.shop.shop_id
    _sort_rows(connection, request)
    fields = _lake_fields(connection, request)
    days = [day["day"] for day in entry.arrival_days]
    for day in days:
        aside = staging / f"{day}.parquet"
        where = f"WHERE __arrival = DATE '{day}'" if len(days) > 1 else ""
        copy_to_parquet(connection, f"SELECT {fields} FROM ff_sorted {where}", aside)
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
    for table in ("ff_sorted", "ff_rows", "ff_typed"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def _sort_rows(connection: duckdb.DuckDBPyConnection, request: LoadRequest) -> None:
    """``ff_sorted``: the rows by day, visitor (or key) and time; narrow, the constants come when written."""
    contract = request.mapping.contract_definition
    present = {row[0] for row in connection.execute("DESCRIBE ff_rows").fetchall()}
    visitor = [name for name in ("device_id", "customer_id") if name in present]
    if contract.name == "events":
        first = [f"coalesce({', '.join(visitor)})"] if visitor else []
    else:
        first = list(contract.key)
    order = ["__arrival", *first, contract.time_column, "__row", *(["item_index"] if "item_index" in present else [])]
    # A replayed row keeps the file and the row number that it first had.
    lineage = ", source_file, source_row FROM ff_rows JOIN ff_base USING (__row)" if request.replays else "FROM ff_rows"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE ff_sorted AS SELECT ff_rows.* {lineage} ORDER BY {', '.join(order)}"
    )


def _lake_fields(connection: duckdb.DuckDBPyConnection, request: LoadRequest) -> str:
    """SELECT list over ``ff_sorted AS rows`` of the lake's columns in the contract's order."""
    present = {row[0] for row in connection.execute("DESCRIBE ff_sorted").fetchall()}
    replayed = request.replays is not None
    stamped = {
        "shop_id": quote_literal(request.shop.shop_id),
        "arrival_date": "__arrival",
        "source": quote_literal(request.mapping.source),
        "contract_version": str(CONTRACT_VERSION),
        "source_file": "source_file" if replayed else quote_literal(request.files[0]),
        "source_row": "source_row" if replayed else "__row",
        "load_id": quote_literal(request.load_id),
        "content_hash": "content_hash",
    }
    fields = []
    for name, type_name in table_columns(request.mapping.contract).items():
        sql = stamped.get(name) or (quote_identifier(name) if name in present else "NULL")
        fields.append(f"({sql})::{type_name} AS {quote_identifier(name)}")
    return ", ".join(fields)

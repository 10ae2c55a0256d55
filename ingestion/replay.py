"""Reading quarantined rows again after their mapping was mended.

Each waiting load of the source becomes one new load that reads its quarantined records through the
mapping as it is now. Rows keep the file, the row number and the arrival day that they first had. Rows
that still fail wait in the new load's quarantine; the old load's quarantine no longer counts.

Where several source rows make one event (``event_key``), a mended row joins an event whose other rows
are in the lake already. Events enter whole or not at all, so the new load then takes those rows of the
old load along and supersedes it: the lake ends as if the mended mapping had read the file at first.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ingestion.carry import Carried
from ingestion.lake import QUARANTINE, Lake
from ingestion.ledger import LedgerEntry, LedgerError, read_entry, read_ledger
from ingestion.load import LoadResult, connect, make_load_id, run_load
from ingestion.load_request import LoadRequest
from ingestion.mapping import load_mapping
from ingestion.mapping_models import SourceMapping
from ingestion.pseudonym import set_key
from ingestion.quarantine import waiting
from ingestion.read import open_json_records
from ingestion.shops import Shop

_BROKEN = "CASE WHEN raw_format = 'line' THEN split_part(reasons, ': ', 2) END"


def replay_quarantine(
    lake: Lake,
    mapping: SourceMapping | str | Path,
    shop: Shop,
    *,
    pseudonym_key: bytes | None = None,
    now: datetime | None = None,
) -> list[LoadResult]:
    """Read every waiting quarantined row of ``mapping``'s source and ``shop`` through ``mapping``.

    Returns one result per load replayed; nothing happens twice: rows already judged by this very
    mapping are left alone. A load made with pseudonyms needs the same ``pseudonym_key``; ``LedgerError``
    when it is missing.
    """
    mapping = mapping if isinstance(mapping, SourceMapping) else load_mapping(mapping)
    results = []
    with connect(lake) as connection, lake.lock():
        for entry in waiting(read_ledger(lake), shop.shop_id, mapping.source, mapping.contract):
            if entry.mapping_fingerprint != mapping.fingerprint:
                results.append(_replay(lake, connection, entry, mapping, shop, pseudonym_key, now))
    return results


def _replay(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    entry: LedgerEntry,
    mapping: SourceMapping,
    shop: Shop,
    pseudonym_key: bytes | None,
    now: datetime | None,
) -> LoadResult:
    load_id = make_load_id("replay", entry.load_id, mapping.fingerprint, shop.shop_id, mapping.contract)
    done = read_entry(lake, load_id)
    if done is not None:
        return LoadResult(done, already_loaded=True)
    if entry.pseudonymised and pseudonym_key is None:
        raise LedgerError(f"load {entry.load_id}: was made with pseudonyms, its replay needs the same key")
    if pseudonym_key is not None:
        set_key(connection, pseudonym_key)
    files = [str(path) for path in lake.files_of(entry.load_id, shop.shop_id, QUARANTINE)]
    raw = open_json_records(
        connection,
        entry.files[0],
        mapping,
        f"""SELECT row_number() OVER (ORDER BY source_file, source_row) AS __row, raw_text AS __line,
                   {_BROKEN} AS __broken, source_file, source_row, arrival_date AS __first_arrival
            FROM read_parquet(?, union_by_name = true, hive_partitioning = false) ORDER BY 1""",
        [files],
        entry.source_types,
    )
    carried = None
    if mapping.event_key and entry.rows_accepted:
        paths = tuple(lake.files_of(entry.load_id, shop.shop_id, mapping.contract))
        carried = Carried(entry, (lake.schema_file(mapping.contract), *paths))
    request = LoadRequest(
        load_id=load_id,
        files=entry.files,
        file_sha256=entry.file_sha256,
        mapping=mapping,
        shop=shop,
        supersedes=[entry.load_id] if carried else [],
        replays=entry.load_id,
        pseudonymise=pseudonym_key is not None and not entry.pseudonymised,
        pseudonymised=pseudonym_key is not None,
        now=now or datetime.now(UTC),
        row_arrival="(SELECT base.__first_arrival FROM ff_base AS base WHERE base.__row = cast_rows.__row)",
        source_types=entry.source_types,
        carried=carried,
    )
    return run_load(lake, connection, raw, request)

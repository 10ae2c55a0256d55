"""Loading files into the lake: ``ingest_file`` and ``ingest_files``.

A load is one file under one mapping version. It writes aside, moves its files into place and commits
by writing its ledger entry last; killed anywhere before, it leaves nothing that counts, and running
it again ends in the same lake. One process writes at a time (a lock on the lake).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from ingestion.assemble import assemble
from ingestion.contract import CONTRACT_VERSION
from ingestion.expressions import quote_identifier, quote_literal
from ingestion.judge import NotInOrderError, judge
from ingestion.lake import Lake
from ingestion.ledger import LedgerEntry, LedgerError, read_entry, read_ledger, superseded_by
from ingestion.load_request import LoadRequest
from ingestion.mapping import load_mapping
from ingestion.mapping_models import SourceMapping
from ingestion.presence import check_presence
from ingestion.pseudonym import set_key
from ingestion.quarantine import collect
from ingestion.raw_rows import RawRows, SourceFileError
from ingestion.read import open_file
from ingestion.shops import Shop
from ingestion.validation import TypedRows
from ingestion.write_load import write_load

# Tables of a load that are gone once it is written.
_STAGES = ("ff_cells", "ff_marks", "ff_shared", "ff_repeats", "ff_visitors", "ff_by_day", "ff_joined", "ff_carried")


@dataclass(frozen=True)
class LoadResult:
    """What ``ingest_file`` did: the ledger ``entry``, whether it was there ``already``, and ``warnings``."""

    entry: LedgerEntry
    already_loaded: bool
    warnings: list[str] = field(default_factory=list)

    @property
    def load_id(self) -> str:
        """The load's id."""
        return self.entry.load_id


def connect(lake: Lake, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection fit for ingestion: UTC, file order kept, spilling beside the lake."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = true")
    connection.execute(f"SET temp_directory = {quote_literal(str(lake.root / '.spill'))}")
    if threads is not None:
        connection.execute(f"SET threads = {int(threads)}")
    return connection


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, hex. ``SourceFileError`` when it cannot be read."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise SourceFileError(f"{path}: cannot be read: {error.strerror}") from error


def make_load_id(*parts: str) -> str:
    """Load id: 20 hex digits over what makes the load what it is."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def ingest_file(
    lake: Lake,
    path: Path | str,
    mapping: SourceMapping | str | Path,
    shop: Shop,
    *,
    supersede: str | None = None,
    pseudonym_key: bytes | None = None,
    now: datetime | None = None,
    connection: duckdb.DuckDBPyConnection | None = None,
) -> LoadResult:
    """Load one file (CSV, JSON lines or Parquet; plain, .gz or .zst) into ``lake``.

    The same bytes under the same mapping change nothing the second time. ``supersede`` names an earlier
    load (id or file name) whose rows stop counting. ``pseudonym_key`` replaces personal ids by keyed
    hashes. ``now`` is when the file arrived (default: the clock), used for the ledger and for the
    ``ingest_day`` rule only.

    Raises ``MappingError`` (the mapping does not fit), ``SourceFileError`` (the file cannot be read
    with it), ``LedgerError`` (nothing to supersede) and ``ValueError`` (shop changed its clock or currency).
    """
    mapping = mapping if isinstance(mapping, SourceMapping) else load_mapping(mapping)
    path = Path(path)
    own = connection is None
    connection = connection or connect(lake)
    try:
        digest = hash_file(path)
        load_id = make_load_id(digest, mapping.fingerprint, shop.shop_id, mapping.contract)
        with lake.lock():
            lake.clear_staging()  # what a killed load left, committed or not
            entry = read_entry(lake, load_id)
            if entry is not None:
                return LoadResult(entry, already_loaded=True)
            superseded = (
                superseded_by(read_ledger(lake), shop.shop_id, mapping.contract, supersede) if supersede else []
            )
            if pseudonym_key is not None:
                set_key(connection, pseudonym_key)
            raw = open_file(connection, path, mapping)
            request = LoadRequest(
                load_id=load_id,
                files=[path.name],
                file_sha256=digest,
                mapping=mapping,
                shop=shop,
                supersedes=superseded,
                replays=None,
                pseudonymise=pseudonym_key is not None,
                pseudonymised=pseudonym_key is not None,
                now=now or datetime.now(UTC),
                source_types=raw.types,
            )
            return run_load(lake, connection, raw, request, lambda: open_file(connection, path, mapping, by_line=True))
    finally:
        if own:
            connection.close()


def ingest_files(
    lake: Lake,
    paths: Iterable[Path | str],
    mapping: SourceMapping | str | Path,
    shop: Shop,
    *,
    pseudonym_key: bytes | None = None,
    now: datetime | None = None,
) -> list[LoadResult]:
    """``ingest_file`` for each path in order, through one DuckDB connection; stops at the first error."""
    mapping = mapping if isinstance(mapping, SourceMapping) else load_mapping(mapping)
    with connect(lake) as connection:
        return [
            ingest_file(lake, path, mapping, shop, pseudonym_key=pseudonym_key, now=now, connection=connection)
            for path in paths
        ]


def run_load(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    raw: RawRows,
    request: LoadRequest,
    reopen: Callable[[], RawRows] | None = None,
) -> LoadResult:
    """Judge, assemble, write and commit what is open as ``ff_base``; call under the lake's lock.

    ``reopen`` opens the file by line, for a plain file that turns out to have a broken record.
    """
    try:
        typed = judge(connection, raw, request)
    except (duckdb.InvalidInputException, NotInOrderError):
        if raw.plain is None or reopen is None:
            raise
        raw = reopen()
        typed = judge(connection, raw, request)
    rows = raw.rows if raw.plain is None else _one(connection, "SELECT count(*) FROM ff_typed")[0]
    mapping = request.mapping
    warnings = check_presence(connection, raw, mapping) if request.replays is None else []
    quarantined = collect(
        connection,
        raw,
        typed,
        mapping,
        request.shop,
        request.load_id,
        request.pseudonymise,
        request.replays is not None,
    )
    if request.carried:
        request.carried.rejoin(connection, mapping, typed)
    assemble(connection, mapping, typed)
    entry = _entry(connection, request, typed, rows, quarantined)
    lake.register_shop(connection, request.shop)
    write_load(lake, connection, request, typed, entry)
    for table in _STAGES:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    return LoadResult(entry, already_loaded=False, warnings=warnings)


def _entry(
    connection: duckdb.DuckDBPyConnection, request: LoadRequest, typed: TypedRows, read: int, quarantined: int
) -> LedgerEntry:
    """The ledger entry, its counts each taken from the rows themselves, so that closing means something."""
    # Without a list to unnest every row is a source row of its own, and counting is cheaper.
    unnest = request.mapping.unnest
    records = "count(DISTINCT __row)" if unnest else "count(*)"
    (good,) = _one(connection, f"SELECT {records} FROM ff_good")
    skipped = accepted = carried = 0
    if request.mapping.keep is not None:
        partly = "AND __row NOT IN (SELECT __row FROM ff_typed WHERE NOT __skip)" if unnest else ""
        (skipped,) = _one(connection, f"SELECT {records} FROM ff_typed WHERE __skip {partly}")
    if request.carried:
        carried = request.carried.append_untouched(connection, typed)
    time_column = quote_identifier(request.mapping.contract_definition.time_column)
    days = connection.execute(
        f"SELECT __arrival, count(*), min({time_column}), max({time_column}) FROM ff_rows GROUP BY 1 ORDER BY 1"
    ).fetchall()
    contract_rows = sum(day[1] for day in days)
    first, last = min((day[2] for day in days), default=None), max((day[3] for day in days), default=None)
    accepted = _one(connection, "SELECT count(DISTINCT __row) FROM ff_rows")[0] if unnest else contract_rows
    duplicate = good + carried - accepted
    if request.carried:
        before = request.carried.entry
        read, duplicate, skipped = before.rows_read, duplicate + before.rows_duplicate, skipped + before.rows_skipped
    mapping, shop = request.mapping, request.shop
    return LedgerEntry(
        load_id=request.load_id,
        contract=mapping.contract,
        contract_version=CONTRACT_VERSION,
        shop_id=shop.shop_id,
        source=mapping.source,
        mapping_fingerprint=mapping.fingerprint,
        files=request.files,
        file_sha256=request.file_sha256,
        rows_read=read,
        rows_accepted=accepted,
        rows_quarantined=quarantined,
        rows_duplicate=duplicate,
        rows_skipped=skipped,
        contract_rows=contract_rows,
        arrival_days=[{"day": day[0].isoformat(), "rows": day[1]} for day in days],
        supersedes=request.supersedes,
        replays=request.replays,
        loaded_at=request.now.astimezone(UTC).isoformat(),
        min_event_ts=first.isoformat() if first else None,
        max_event_ts=last.isoformat() if last else None,
        pseudonymised=request.pseudonymised,
        source_types=request.source_types,
    )


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    if row is None:
        raise LedgerError(f"a count came back empty: {query}")
    return row

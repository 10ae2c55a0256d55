"""Copy marts out of the warehouse into a new published version.

The order makes every crash harmless: immutable data files first, then the manifest, then the
pointer, then the deletion of what is no longer kept. Until the pointer moves, readers see the old
version whole; whatever a dead publish left behind is taken up or deleted by the next one.
"""

from __future__ import annotations

import fcntl
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from ingestion.durable import crash_point, make_folder
from publishing.errors import BrokenPublication, NothingPublished, PublishingError, PublishInProgress
from publishing.manifest import (
    ColumnEntry,
    Manifest,
    TableEntry,
    current_version,
    move_pointer,
    read_manifest,
    schema_hash,
    write_manifest,
)
from publishing.retention import VERSION_NAME, remove_unneeded, version_folders
from publishing.specification import TableSpec, check_specs
from publishing.table_files import inspect_tables, write_table
from publishing.write_log import plan_table

_STAGING = ".staging"
_LOCK = ".lock"


@dataclass(frozen=True)
class TableOutcome:
    """What publishing did for one table: how many files were ``written`` anew, ``reused`` because
    the same bytes were there already, or ``carried`` over unread; and why (``reason``)."""

    rows: int
    written: int
    reused: int
    carried: int
    bytes_written: int
    reason: str


@dataclass(frozen=True)
class PublishedVersion:
    """The version that is current after a publish. ``changed`` is false when it already was."""

    version: str
    changed: bool
    manifest: Manifest
    tables: dict[str, TableOutcome]


def publish(
    warehouse: Path | duckdb.DuckDBPyConnection,
    published: Path,
    tables: Sequence[TableSpec],
    run_id: str,
    data_as_of: date | None,
    keep_versions: int = 4,
) -> PublishedVersion:
    """Publish ``tables`` as one new version under ``published``.

    ``warehouse`` is the DuckDB file (opened read-only; nothing may be writing to it) or an open
    connection, whose committed state is read. All tables are read in one transaction. Of a
    partitioned table only the dates that ``ops.partition_writes`` logged since the last version are
    read and written.

    When neither a table nor ``data_as_of`` differs from the current version, that version is
    returned with ``changed=False`` and no new one is made: a retried run does not push older
    versions out. A new run over unchanged data logs writes of its own, so it normally counts.

    Raises ``MissingMart`` (naming every absent mart), ``UnpublishableColumn``, ``KeyNotUnique``,
    ``PublishInProgress``, ``BrokenPublication`` (unreadable pointer), ``ValueError`` for arguments
    that cannot be. After any of them the pointer and the older versions are as before.
    """
    check_specs(tables)
    if keep_versions < 1:
        raise ValueError(f"keep_versions is {keep_versions}, expected at least 1: the current version is always kept")
    make_folder(published)
    with _only_publisher(published), _staging_folder(published) as staging:
        pointer = _pointer(published)
        previous = _previous_manifest(published, pointer)
        entries: dict[str, TableEntry] = {}
        outcomes: dict[str, TableOutcome] = {}
        with _snapshot(warehouse) as connection:
            columns = inspect_tables(connection, list(tables))
            for spec in tables:
                known = previous.tables.get(spec.name) if previous else None
                entries[spec.name], outcomes[spec.name] = _publish_table(
                    connection, spec, columns[spec.name], known, published, staging
                )
        manifest = Manifest(
            version=_next_version(published, pointer, run_id),
            run_id=run_id,
            created_at=datetime.now(UTC),
            data_as_of=data_as_of,
            previous=pointer,
            tables=entries,
        )
        if previous is not None and manifest.same_content(previous):
            remove_unneeded(published, previous, keep_versions)
            return PublishedVersion(previous.version, False, previous, outcomes)
        crash_point("publish:before_manifest")
        write_manifest(published, manifest)
        crash_point("publish:before_pointer")
        move_pointer(published, manifest.version)
        crash_point("publish:after_pointer")
        remove_unneeded(published, manifest, keep_versions)
        return PublishedVersion(manifest.version, True, manifest, outcomes)


def _publish_table(
    connection: duckdb.DuckDBPyConnection,
    spec: TableSpec,
    columns: tuple[ColumnEntry, ...],
    previous: TableEntry | None,
    published: Path,
    staging: Path,
) -> tuple[TableEntry, TableOutcome]:
    fingerprint = schema_hash(columns)
    plan = plan_table(connection, spec, fingerprint, previous, published)
    carried = (
        []
        if plan.whole or previous is None
        else [file for file in previous.files if file.partition not in plan.replaced]
    )
    written = write_table(connection, spec, columns, not plan.whole, published, staging) if plan.due else []
    files = sorted([*carried, *(file.entry for file in written)], key=lambda file: file.partition or "")
    entry = TableEntry(
        files=tuple(files),
        rows=sum(file.rows for file in files),
        schema=columns,
        schema_hash=fingerprint,
        key=spec.key,
        partition_by=spec.partition_by,
        description=spec.description,
        covered_write_id=plan.mark.write_id,
        covered_written_at=plan.mark.written_at,
    )
    new = [file.entry for file in written if not file.reused]
    outcome = TableOutcome(
        rows=entry.rows,
        written=len(new),
        reused=len(written) - len(new),
        carried=len(carried),
        bytes_written=sum(file.bytes for file in new),
        reason=plan.reason,
    )
    return entry, outcome


@contextmanager
def _snapshot(warehouse: Path | duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection inside one transaction, so that all tables are of the same moment."""
    if isinstance(warehouse, Path):
        if not warehouse.is_file():
            raise PublishingError(f"{warehouse} does not exist: expected the DuckDB warehouse")
        root = duckdb.connect(warehouse, read_only=True)
    else:
        # A cursor has a transaction and temporary tables of its own and leaves the caller's alone.
        root = warehouse.cursor()
    try:
        root.execute("BEGIN TRANSACTION")
        yield root
    finally:
        # Ends the transaction, which wrote nothing but temporary tables.
        root.close()


@contextmanager
def _only_publisher(published: Path) -> Iterator[None]:
    """Hold the publisher's lock; the kernel gives it back even when the process is killed."""
    with (published / _LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PublishInProgress(f"{published}: another process is publishing here, try again later") from None
        yield


@contextmanager
def _staging_folder(published: Path) -> Iterator[Path]:
    """An empty folder on the same file system, without what a killed publish left in it."""
    staging = published / _STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _pointer(published: Path) -> str | None:
    try:
        return current_version(published)
    except NothingPublished:
        return None


def _previous_manifest(published: Path, pointer: str | None) -> Manifest | None:
    """The current manifest, or None where it is lost: then every table is simply written whole."""
    try:
        return read_manifest(published, pointer) if pointer is not None else None
    except BrokenPublication:
        return None


def _next_version(published: Path, pointer: str | None, run_id: str) -> str:
    names = [*version_folders(published), *([pointer] if pointer else [])]
    numbers = [int(match.group(1)) for name in names if (match := VERSION_NAME.fullmatch(name))]
    fragment = re.sub(r"[^A-Za-z0-9]", "", run_id)[:8] or "run"
    return f"v{max(numbers, default=0) + 1:08d}-{fragment}"

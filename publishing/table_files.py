"""From a mart in the warehouse to immutable Parquet files.

A file is named after the SHA-256 of its bytes. The same rows always give the same bytes (rows are
ordered by a unique key, in fixed row groups), so an unchanged partition meets its own file again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingestion.durable import crash_point, publish_file
from publishing.errors import KeyNotUnique, MissingMart, UnpublishableColumn
from publishing.manifest import NULL_PARTITION, ColumnEntry, FileEntry
from publishing.specification import TableSpec, published_type
from publishing.sql_text import identifier, identifiers, literal

# Written out, because a changed default in DuckDB would rename every file.
_FORMAT = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880"


@dataclass(frozen=True)
class WrittenFile:
    """A file of the new version; ``reused`` when the same bytes had been published before."""

    entry: FileEntry
    reused: bool


def inspect_tables(connection: duckdb.DuckDBPyConnection, specs: list[TableSpec]) -> dict[str, tuple[ColumnEntry, ...]]:
    """The published columns of every table, by table name.

    Raises ``MissingMart`` naming every relation the warehouse lacks, ``UnpublishableColumn`` for a
    type that cannot be published, ``ValueError`` when a key or partition column does not exist or
    the partition column is not a DATE.
    """
    there = set(
        connection.execute(
            "SELECT lower(table_schema), lower(table_name) FROM information_schema.tables "
            "WHERE table_catalog = current_database()"
        ).fetchall()
    )
    missing = [
        f"{spec.name} ({spec.schema}.{spec.relation})"
        for spec in specs
        if (spec.schema.lower(), spec.relation.lower()) not in there
    ]
    if missing:
        raise MissingMart(
            f"the warehouse has no {', '.join(missing)}: expected every mart to exist, nothing was published", missing
        )
    return {spec.name: _columns(connection, spec) for spec in specs}


def _columns(connection: duckdb.DuckDBPyConnection, spec: TableSpec) -> tuple[ColumnEntry, ...]:
    described = connection.execute(f"DESCRIBE {identifier(spec.schema, spec.relation)}").fetchall()
    columns = tuple(ColumnEntry(name=name, type=published_type(spec.name, name, kind)) for name, kind, *_ in described)
    types = {column.name: column.type for column in columns}
    for column in (*spec.key, *([spec.partition_by] if spec.partition_by else [])):
        if column not in types:
            raise ValueError(f"{spec.name}: column {column} is not in {spec.relation}, which has {', '.join(types)}")
    if spec.partition_by and types[spec.partition_by] != "DATE":
        raise ValueError(f"{spec.name}: partition_by {spec.partition_by} is {types[spec.partition_by]}, expected DATE")
    return columns


def write_table(
    connection: duckdb.DuckDBPyConnection,
    spec: TableSpec,
    columns: tuple[ColumnEntry, ...],
    only_changed_days: bool,
    published: Path,
    staging: Path,
) -> list[WrittenFile]:
    """Write the table's files, or with ``only_changed_days`` those of the dates in
    ``footfall_changed_days`` (see ``write_log``) and of the rows without a date.

    The mart is scanned once, into a temporary table clustered by date; each file is then cut from
    that. An empty table or date has no file. Raises ``UnpublishableColumn`` when a whole number does
    not fit 64 bits, ``KeyNotUnique`` when two rows share the key.
    """
    _stage_rows(connection, spec, columns, only_changed_days)
    _check_key(connection, spec)
    files = [
        _write_file(connection, spec, partition, rows, published, staging)
        for partition, rows in _partitions(connection, spec)
    ]
    connection.execute("DROP TABLE temp.footfall_rows")
    return files


def _stage_rows(
    connection: duckdb.DuckDBPyConnection, spec: TableSpec, columns: tuple[ColumnEntry, ...], only_changed_days: bool
) -> None:
    selected = ", ".join(
        f"CAST({identifier(column.name)} AS {column.type}) AS {identifier(column.name)}" for column in columns
    )
    relation = identifier(spec.schema, spec.relation)
    wanted = order = ""
    if spec.partition_by:
        day = identifier(spec.partition_by)
        order = f"ORDER BY {day}"
        if only_changed_days:
            wanted = f"WHERE {day} IS NULL OR {day} IN (SELECT day FROM temp.footfall_changed_days)"
    try:
        rows = f"SELECT {selected} FROM {relation} {wanted} {order}"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE footfall_rows AS {rows}")
    except duckdb.ConversionException as error:
        raise UnpublishableColumn(f"{spec.name}: a value does not fit the published type: {error}") from error


def _check_key(connection: duckdb.DuckDBPyConnection, spec: TableSpec) -> None:
    key = identifiers(spec.key)
    repeated = connection.execute(
        f"SELECT {key}, count(*) FROM temp.footfall_rows GROUP BY {key} HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
    ).fetchone()
    if repeated is not None:
        values = ", ".join(f"{name} = {value!r}" for name, value in zip(spec.key, repeated, strict=False))
        raise KeyNotUnique(f"{spec.name}: {repeated[-1]} rows have {values}; expected its key to be unique")


def _partitions(connection: duckdb.DuckDBPyConnection, spec: TableSpec) -> list[tuple[str | None, int]]:
    if spec.partition_by is None:
        row = connection.execute("SELECT count(*) FROM temp.footfall_rows").fetchone()
        return [(None, row[0])] if row is not None and row[0] else []
    day = identifier(spec.partition_by)
    return connection.execute(
        f"SELECT coalesce({day}::VARCHAR, ?), count(*) FROM temp.footfall_rows "
        f"GROUP BY {day} ORDER BY {day} NULLS LAST",
        [NULL_PARTITION],
    ).fetchall()


def _write_file(
    connection: duckdb.DuckDBPyConnection,
    spec: TableSpec,
    partition: str | None,
    rows: int,
    published: Path,
    staging: Path,
) -> WrittenFile:
    staged = staging / "rows.parquet"
    wanted = ""
    if spec.partition_by and partition is not None:
        day = identifier(spec.partition_by)
        wanted = f"WHERE {day} IS NULL" if partition == NULL_PARTITION else f"WHERE {day} = DATE {literal(partition)}"
    # Ordered here although the temporary table could be: a plain scan cuts row groups where the
    # table's storage happens to break, and the bytes would depend on what else was staged.
    order = ", ".join(f"{identifier(column)} ASC NULLS LAST" for column in spec.key)
    rows_in_order = f"SELECT * FROM temp.footfall_rows {wanted} ORDER BY {order}"
    connection.execute(f"COPY ({rows_in_order}) TO {literal(str(staged))} ({_FORMAT})")
    with staged.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    size = staged.stat().st_size
    folder = f"data/{spec.name}" if partition is None else f"data/{spec.name}/{partition}"
    entry = FileEntry(path=f"{folder}/{digest[:20]}.parquet", partition=partition, rows=rows, sha256=digest, bytes=size)
    final = published / entry.path
    reused = final.is_file() and final.stat().st_size == size
    if not reused:
        publish_file(staged, final)
    crash_point("publish:file")
    return WrittenFile(entry, reused)

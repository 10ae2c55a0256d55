"""Which dates of a partitioned mart must be written anew.

dbt appends to ``ops.partition_writes`` in the same transaction in which it overwrites a range of
dates. A manifest remembers the last entry that its files reflect; everything logged later is due.
Whatever the log cannot say for certain means the whole table: a wrong guess here would keep stale
rows in front of readers, a needless rewrite costs seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from publishing.manifest import NULL_PARTITION, TableEntry
from publishing.specification import TableSpec


@dataclass(frozen=True)
class WriteMark:
    """The last logged write of a table: its id and when it was written (None: nothing logged)."""

    write_id: int | None = None
    written_at: str | None = None


@dataclass(frozen=True)
class TablePlan:
    """What to do for one table.

    ``whole``: write every partition. Otherwise the partitions in ``replaced`` (previously published
    ones whose dates are due) are dropped and the rows of those dates written; with ``due``
    false nothing at all was written since. ``reason`` says why, in words.
    """

    whole: bool
    due: bool
    reason: str
    mark: WriteMark
    replaced: frozenset[str] = frozenset()


def plan_table(
    connection: duckdb.DuckDBPyConnection,
    spec: TableSpec,
    schema_hash: str,
    previous: TableEntry | None,
    published: Path,
) -> TablePlan:
    """Decide which partitions of ``spec`` are due, comparing the write log with ``previous``.

    Fills the temporary table ``footfall_changed_days`` (day DATE) when single dates are due.
    """
    if spec.partition_by is None:
        return TablePlan(True, True, "kept in one file", WriteMark())
    logged = _log_exists(connection)
    mark = _last_mark(connection, spec.relation) if logged else WriteMark()

    def whole(reason: str) -> TablePlan:
        return TablePlan(True, True, reason, mark)

    if previous is None:
        return whole("not published before")
    if (previous.schema_hash, previous.key, previous.partition_by) != (schema_hash, spec.key, spec.partition_by):
        return whole("columns, key or partitioning changed")
    if mark.write_id is None:
        return whole("no write is logged for it")
    covered = WriteMark(previous.covered_write_id, previous.covered_written_at)
    # A rebuilt warehouse counts its writes from one again and may have passed the covered id already:
    # only the very entry that was covered proves that this is the same log.
    if covered.write_id is None or _written_at(connection, spec.relation, covered.write_id) != covered.written_at:
        return whole("the warehouse was rebuilt since")
    missing = _first_missing(previous, published)
    if missing is not None:
        return whole(f"published file {missing} is missing")
    if covered == mark:
        return TablePlan(False, False, "no write since", mark)
    if _has_unbounded_write(connection, spec.relation, covered.write_id):
        return whole("rewritten whole")
    _collect_days(connection, spec.relation, covered.write_id)
    replaced = _due_partitions(connection, previous)
    return TablePlan(False, True, "some dates rewritten", mark, replaced)


def _log_exists(connection: duckdb.DuckDBPyConnection) -> bool:
    row = connection.execute(
        "SELECT count(*) FROM information_schema.tables "
        "WHERE table_catalog = current_database() AND table_schema = 'ops' AND table_name = 'partition_writes'"
    ).fetchone()
    return row is not None and row[0] > 0


def _last_mark(connection: duckdb.DuckDBPyConnection, model: str) -> WriteMark:
    row = connection.execute(
        "SELECT max(write_id), max_by(written_at, (write_id, written_at))::VARCHAR "
        "FROM ops.partition_writes WHERE model = ?",
        [model],
    ).fetchone()
    return WriteMark(*row) if row is not None else WriteMark()


def _written_at(connection: duckdb.DuckDBPyConnection, model: str, write_id: int) -> str | None:
    # One transaction may log several ranges under one id, hence the maximum.
    row = connection.execute(
        "SELECT max(written_at)::VARCHAR FROM ops.partition_writes WHERE model = ? AND write_id = ?",
        [model, write_id],
    ).fetchone()
    return row[0] if row is not None else None


def _has_unbounded_write(connection: duckdb.DuckDBPyConnection, model: str, after: int) -> bool:
    row = connection.execute(
        "SELECT coalesce(bool_or(from_date IS NULL OR to_date IS NULL OR from_date > to_date "
        "OR NOT isfinite(from_date) OR NOT isfinite(to_date)), false) "
        "FROM ops.partition_writes WHERE model = ? AND write_id > ?",
        [model, after],
    ).fetchone()
    return row is not None and bool(row[0])


def _collect_days(connection: duckdb.DuckDBPyConnection, model: str, after: int) -> None:
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE footfall_changed_days AS "
        "SELECT DISTINCT unnest(generate_series(from_date, to_date, INTERVAL 1 DAY))::DATE AS day "
        "FROM ops.partition_writes WHERE model = ? AND write_id > ?",
        [model, after],
    )


def _due_partitions(connection: duckdb.DuckDBPyConnection, previous: TableEntry) -> frozenset[str]:
    # A range of dates cannot speak of rows without a date, so those are looked at after every write.
    days = [file.partition for file in previous.files if file.partition not in (None, NULL_PARTITION)]
    due = connection.execute(
        "SELECT day::VARCHAR FROM temp.footfall_changed_days WHERE day IN (SELECT unnest(?::VARCHAR[])::DATE)",
        [days],
    ).fetchall()
    return frozenset({NULL_PARTITION, *(day for (day,) in due)})


def _first_missing(previous: TableEntry, published: Path) -> str | None:
    for file in previous.files:
        path = published / file.path
        if not path.is_file() or path.stat().st_size != file.bytes:
            return file.path
    return None

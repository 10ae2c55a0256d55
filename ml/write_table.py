"""Writes a model's frame back into the warehouse as a table with declared types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from ml.coded_rows import Rows, attach, detach


def replace_rows(
    connection: duckdb.DuckDBPyConnection,
    table: tuple[str, str],
    columns: Mapping[str, str],
    frame: Rows,
    by: Sequence[str] = (),
) -> int:
    """Make ``table`` (schema, name) hold ``frame``; returns the table's number of rows afterwards.

    The table and its schema are created where missing, with ``columns`` (name -> DuckDB type), so that an
    empty frame still leaves a typed table. ``by`` names the columns of a slice: only rows whose slice
    occurs in ``frame`` are replaced (several models share ``ml.evaluation``). Without ``by`` the whole
    table is replaced. One transaction: readers of the file see the old rows or the new ones.

    Texts of ``CodedRows`` are made while they are written, and never held.

    Raises ``ValueError`` where ``frame`` lacks a column or has one more, or where an existing table of which
    a slice is replaced has other columns.
    """
    schema, name = table
    if set(frame.columns) != set(columns):
        raise ValueError(f"{schema}.{name}: expected columns {sorted(columns)}, got {sorted(map(str, frame.columns))}")
    target = f"{_quoted(schema)}.{_quoted(name)}"
    listed = ", ".join(map(_quoted, columns))
    cast = ", ".join(f"CAST({_quoted(column)} AS {kind})" for column, kind in columns.items())
    connection.begin()
    try:
        attach(connection, frame, "_frame")
        ensure_table(connection, table, columns)
        found = _columns_of(connection, table)
        if found != list(columns) and not by:
            # All of it is replaced, so a table that an older Footfall wrote may have had other columns.
            connection.execute(f"CREATE OR REPLACE TABLE {target} ({_declared(columns)})")
        elif found != list(columns):
            raise ValueError(f"{schema}.{name}: expected an existing table with columns {list(columns)}, found {found}")
        slices = ", ".join(f"CAST({_quoted(c)} AS {columns[c]}) AS {_quoted(c)}" for c in by)
        matching = " AND ".join(f"old.{_quoted(c)} IS NOT DISTINCT FROM new.{_quoted(c)}" for c in by)
        new = f"(SELECT DISTINCT {slices} FROM _frame) AS new"
        scope = f" AS old WHERE EXISTS (SELECT 1 FROM {new} WHERE {matching})" if by else ""
        connection.execute(f"DELETE FROM {target}{scope}")
        connection.execute(f"INSERT INTO {target} ({listed}) SELECT {cast} FROM _frame")
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    finally:
        detach(connection, frame, "_frame")
    counted = connection.execute(f"SELECT count(*) FROM {target}").fetchone()
    assert counted is not None
    return int(counted[0])


def ensure_table(connection: duckdb.DuckDBPyConnection, table: tuple[str, str], columns: Mapping[str, str]) -> None:
    """Create ``table`` (schema, name) and its schema with ``columns`` (name -> DuckDB type) where they are missing; a
    table that is there stays as it is."""
    schema, name = table
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(schema)}")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {_quoted(schema)}.{_quoted(name)} ({_declared(columns)})")


def table_exists(connection: duckdb.DuckDBPyConnection, table: tuple[str, str]) -> bool:
    """Whether the warehouse has a table or view ``table`` (schema, name); a read-only connection will do."""
    return bool(_columns_of(connection, table))


def _columns_of(connection: duckdb.DuckDBPyConnection, table: tuple[str, str]) -> list[str]:
    """The columns of a table or view in their order; none where there is no such table, since none is without any."""
    rows = connection.execute(
        "SELECT column_name FROM duckdb_columns() "
        "WHERE database_name = current_database() AND schema_name = ? AND table_name = ? ORDER BY column_index",
        list(table),
    ).fetchall()
    return [row[0] for row in rows]


def _declared(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{_quoted(column)} {kind}" for column, kind in columns.items())


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'

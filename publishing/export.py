"""Writing a table as CSV text that depends on its rows alone.

Used to show that increments and a full refresh end in the same marts, byte for byte.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb

from publishing.reader import PublishedReader
from publishing.specification import TableSpec
from publishing.sql_text import identifier, literal


def export_table(
    source: duckdb.DuckDBPyConnection | PublishedReader,
    table: str | TableSpec,
    out_csv: Path,
    *,
    key: Sequence[str] | None = None,
    exclude: Collection[str] = (),
) -> int:
    """Write ``table`` to ``out_csv``, ordered by its key, without the columns in ``exclude``; return its rows.

    From a ``PublishedReader`` the key comes from the manifest; from a connection it is the
    ``TableSpec``'s, or ``key`` where ``table`` is a plain name (``"schema.relation"`` or ``"relation"``).
    Rows with equal keys follow their other columns, excluded ones play no part in the order. Null is
    an empty field, empty text is ``""``; times are UTC. Raises ``MissingTable`` when the reader has no
    such table, ``duckdb.CatalogException`` when the connection has none, ``ValueError`` when the key is
    not given or an excluded or key column does not exist.
    """
    if isinstance(source, PublishedReader):
        name = table if isinstance(table, str) else table.name
        key, relation = key or source.table(name).key, identifier(name)
        connection = source.connect()
    else:
        parts = table.split(".", 1) if isinstance(table, str) else [table.schema, table.relation]
        key, relation = key or (None if isinstance(table, str) else table.key), identifier(*parts)
        connection = source.cursor()
    if not key:
        raise ValueError(f"export of {table}: no key given, expected the columns to order by")
    try:
        connection.execute("SET TimeZone = 'UTC'")
        return _copy(connection, relation, key, frozenset(exclude), out_csv)
    finally:
        connection.close()


def _copy(
    connection: duckdb.DuckDBPyConnection, relation: str, key: Sequence[str], exclude: frozenset[str], out_csv: Path
) -> int:
    columns = [row[0] for row in connection.execute(f"DESCRIBE {relation}").fetchall()]
    unknown = sorted({*exclude, *key} - set(columns))
    if unknown:
        raise ValueError(f"export of {relation}: no column {', '.join(unknown)}; it has {', '.join(columns)}")
    shown = [column for column in columns if column not in exclude]
    if not shown:
        raise ValueError(f"export of {relation}: every column is excluded")
    # After the key the rest, so that rows with equal keys cannot change places between two runs.
    order = [column for column in key if column not in exclude] + [column for column in shown if column not in key]
    selected = ", ".join(identifier(column) for column in shown)
    ordered = ", ".join(f"{identifier(column)} ASC NULLS LAST" for column in order)
    rows_in_order = f"SELECT {selected} FROM {relation} ORDER BY {ordered}"
    row = connection.execute(
        f"COPY ({rows_in_order}) TO {literal(str(out_csv))} (FORMAT csv, HEADER true, DELIMITER ',', NULLSTR '')"
    ).fetchone()
    return int(row[0]) if row is not None else 0

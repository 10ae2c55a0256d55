"""What assets are handed: the settings, and the warehouse as a file that is open only while it is used."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

#: Every step that opens the warehouse is in this pool, which has one slot.
WAREHOUSE_POOL = "duckdb"
_ATTEMPTS = 60
_PAUSE_SECONDS = 0.5


class WarehouseBusy(Exception):
    """Another process keeps the warehouse open; the message repeats who, as DuckDB says it."""


class Warehouse:
    """The DuckDB file of one installation.

    DuckDB lets one process in at a time. The pool keeps runs apart; a reader from outside (a console
    left open) is waited for half a minute and then named in ``WarehouseBusy``.
    """

    def __init__(self, path: Path, lake: Path, memory_limit: str, threads: int) -> None:
        self.path = path
        self.lake = lake
        self.memory_limit = memory_limit
        self.threads = threads

    @contextmanager
    def connect(self, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with UTC as its zone that finds the lake, closed on the way out whatever happens.

        Raises ``WarehouseBusy``; ``duckdb.Error`` where the file is no database; ``FileNotFoundError``
        where it must be read and does not exist.
        """
        if read_only and not self.path.is_file():
            raise FileNotFoundError(f"{self.path} does not exist: expected the warehouse, run `footfall run` first")
        connection = self._open(read_only)
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"SET threads = {int(self.threads)}")
            # Staging views name lake files relative to the lake, as in dbt_project/profiles.yml.
            for name, value in (("memory_limit", self.memory_limit), ("file_search_path", str(self.lake))):
                connection.execute(f"SET {name} = '" + value.replace("'", "''") + "'")
            yield connection
        finally:
            connection.close()

    def _open(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        for attempt in range(_ATTEMPTS):
            try:
                return duckdb.connect(self.path, read_only=read_only)
            except duckdb.IOException as error:
                if "lock" not in str(error).lower():
                    raise
                if attempt == _ATTEMPTS - 1:
                    raise WarehouseBusy(f"{self.path} is open elsewhere: {error}") from error
                time.sleep(_PAUSE_SECONDS)
        raise AssertionError("unreachable")

    def row_counts(self, tables: list[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Rows of each (schema, table) in one statement; DuckDB answers it from its own bookkeeping."""
        if not tables:
            return {}
        parts = [
            f"SELECT {number} AS number, count(*) AS rows FROM {_quoted(schema)}.{_quoted(table)}"
            for number, (schema, table) in enumerate(tables)
        ]
        with self.connect(read_only=True) as connection:
            counted = connection.execute(" UNION ALL ".join(parts)).fetchall()
        return {tables[number]: rows for number, rows in counted}


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'

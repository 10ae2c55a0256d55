"""Rows of a table as numbers, and the SELECT that makes texts of them: twenty million lists of products need no twenty
million Python objects, as ids, names and sentences are put in by DuckDB when the rows are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import duckdb
import pandas as pd


@dataclass(frozen=True, eq=False)
class CodedRows:
    """``len(codes)`` rows of a table.

    ``codes`` holds numbers alone; ``lookups`` (name -> frame) hold what they stand for. ``select`` is the statement,
    with ``{codes}`` and each lookup's name in braces where their names go; it returns a row for each of ``codes``, with
    ``columns``. ``key`` are those that order them.
    """

    codes: pd.DataFrame
    lookups: Mapping[str, pd.DataFrame]
    select: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def empty(self) -> bool:
        """Whether there is no row."""
        return not len(self.codes)

    def frame(self) -> pd.DataFrame:
        """All rows with their texts, in the order of ``key``: for a few of them, as on a page or in a test."""
        return query_rows(self, f"SELECT * FROM rows ORDER BY {', '.join(self.key)}")


#: What a model writes.
Rows: TypeAlias = pd.DataFrame | CodedRows


def attach(connection: duckdb.DuckDBPyConnection, rows: Rows, name: str) -> None:
    """Let statements on ``connection`` read ``rows`` as a temporary view ``name`` (as SQL takes it unquoted) until
    :func:`detach`."""
    if isinstance(rows, pd.DataFrame):
        connection.register(name, rows)
        return
    names = _parts(rows, name)
    for part, frame in {"codes": rows.codes, **rows.lookups}.items():
        connection.register(names[part], frame)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {rows.select.format(**names)}")


def detach(connection: duckdb.DuckDBPyConnection, rows: Rows, name: str) -> None:
    """Undo :func:`attach`, also one that failed; a transaction that failed has to be rolled back before."""
    if isinstance(rows, pd.DataFrame):
        connection.unregister(name)
        return
    connection.execute(f"DROP VIEW IF EXISTS temp.{name}")
    for part in _parts(rows, name).values():
        connection.unregister(part)


def _parts(rows: CodedRows, name: str) -> dict[str, str]:
    return {part: f"{name}_{part}" for part in ("codes", *rows.lookups)}


def query_rows(rows: Rows, statement: str) -> pd.DataFrame:
    """What ``statement`` finds in ``rows``, which it calls ``rows``; on one thread, outside of any warehouse."""
    with duckdb.connect(config={"threads": 1}) as connection:
        attach(connection, rows, "rows")
        return connection.execute(statement).df()

"""The order of lake files: inside an arrival day by visitor (or key) and time, so that readers skip what is
not theirs."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from ingestion.expressions import quote_identifier
from ingestion.load_request import LoadRequest

#: Columns of ``ff_rows`` that no longer say anything once the rows are judged.
_JUDGED = ("__element", "__elements", "__skip", "__bad")
#: Visitor ids up to this many bytes are sorted as numbers by DuckDB itself.
_SHORT = 7
#: Above this many days the rows are first laid out by day, so that picking a day does not read them all.
_MANY_DAYS = 150


@dataclass(frozen=True)
class SortedDays:
    """SELECT of one day's rows in the order in which they are written, as text around the day."""

    before: str
    after: str

    def sql(self, day: str) -> str:
        """The rows of ``day`` (ISO)."""
        return f"{self.before} DATE '{day}' {self.after}"


def sort_days(connection: duckdb.DuckDBPyConnection, request: LoadRequest, days: int) -> SortedDays:
    """How to sort ``ff_rows``, which spread over so many ``days``, one day at a time.

    A day is sorted when it is written, narrow still: nothing holds a second copy of the load. Long visitor ids
    are sorted by their place among the visitors of the file, a number, which costs half as much as their text.
    """
    if days > _MANY_DAYS:
        connection.execute("CREATE OR REPLACE TEMP TABLE ff_by_day AS SELECT * FROM ff_rows ORDER BY __arrival")
        connection.execute("CREATE OR REPLACE TEMP VIEW ff_rows AS SELECT * FROM ff_by_day")
    present = {row[0] for row in connection.execute("DESCRIBE ff_rows").fetchall()}
    contract = request.mapping.contract_definition
    rows = "ff_rows"
    if contract.name == "events":
        rows, first = _by_visitor(connection, [name for name in ("device_id", "customer_id") if name in present])
    else:
        first = [quote_identifier(name) for name in contract.key]
    last = ["item_index"] if request.mapping.unnest or request.carried else []
    lineage = ""
    if request.replays:  # a replayed row keeps the file and the row number that it first had
        lineage, rows = ", ff_base.source_file, ff_base.source_row", f"{rows} JOIN ff_base USING (__row)"
    judged = ", ".join(name for name in _JUDGED if name in present)
    order = ", ".join([*first, contract.time_column, "ff_rows.__row", *last])
    return SortedDays(
        f"SELECT ff_rows.* EXCLUDE ({judged}) {lineage} FROM {rows} WHERE __arrival =", f"ORDER BY {order}"
    )


def _by_visitor(connection: duckdb.DuckDBPyConnection, visitor: list[str]) -> tuple[str, list[str]]:
    """FROM clause and first sort key of the rows by visitor; ``visitor`` are the columns that may name one."""
    if not visitor:
        return "ff_rows", []
    name = f"coalesce({', '.join(visitor)})" if len(visitor) > 1 else visitor[0]
    row = connection.execute(f"SELECT coalesce(max(strlen({name})), 0) FROM ff_good").fetchone()
    if len(visitor) == 1 and row is not None and row[0] <= _SHORT:
        return "ff_rows", [name]
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE ff_visitors AS
        SELECT visitor, (row_number() OVER (ORDER BY visitor))::UINTEGER AS place
        FROM (SELECT DISTINCT {name} AS visitor FROM ff_good)""")
    return f"ff_rows LEFT JOIN ff_visitors ON ff_visitors.visitor = {name}", ["ff_visitors.place"]

"""The order of lake files: by arrival day, visitor (or key) and time, so that readers skip what is not theirs."""

from __future__ import annotations

import duckdb

from ingestion.expressions import quote_identifier
from ingestion.write_load import LoadRequest

#: Columns of ``ff_rows`` that no longer say anything once the rows are judged.
_JUDGED = ("__element", "__elements", "__skip", "__bad")


def sort_rows(connection: duckdb.DuckDBPyConnection, request: LoadRequest) -> None:
    """Make ``ff_sorted`` of ``ff_rows``; narrow still, ids and constants come when it is written.

    Visitors are sorted by their place among the visitors of the file, a number, instead of by their text:
    a key of numbers fits into DuckDB's fast path, at half the cost and for long ids less.
    """
    present = {row[0] for row in connection.execute("DESCRIBE ff_rows").fetchall()}
    contract = request.mapping.contract_definition
    rows, first = "ff_rows", []
    if contract.name == "events":
        visitor = [name for name in ("device_id", "customer_id") if name in present]
        if visitor:
            name = f"coalesce({', '.join(visitor)})" if len(visitor) > 1 else visitor[0]
            connection.execute(f"""
                CREATE OR REPLACE TEMP TABLE ff_visitors AS
                SELECT visitor, (row_number() OVER (ORDER BY visitor))::UINTEGER AS place
                FROM (SELECT DISTINCT {name} AS visitor FROM ff_good)""")
            rows += f" LEFT JOIN ff_visitors ON ff_visitors.visitor = {name}"
            first = ["ff_visitors.place"]
    else:
        first = [quote_identifier(name) for name in contract.key]
    last = ["item_index"] if request.mapping.unnest or request.carried else []
    lineage = ""
    if request.replays:  # a replayed row keeps the file and the row number that it first had
        lineage, rows = ", ff_base.source_file, ff_base.source_row", f"{rows} JOIN ff_base USING (__row)"
    judged = ", ".join(name for name in _JUDGED if name in present)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE ff_sorted AS
        SELECT ff_rows.* EXCLUDE ({judged}) {lineage} FROM {rows}
        ORDER BY {", ".join(["__arrival", *first, contract.time_column, "ff_rows.__row", *last])}""")

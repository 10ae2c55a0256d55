"""Lake rows that a replay takes along, so that an event of several source rows enters whole.

Used only for mappings with ``event_key``: a mended row may belong to an event whose other rows were
accepted by the first load. Those are put back beside it and the event is assembled anew; all other rows
of the first load are copied as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingestion.expressions import quote_identifier
from ingestion.ledger import LedgerEntry
from ingestion.validation import TypedRows


@dataclass(frozen=True)
class Carried:
    """The first load's ``entry`` and its lake ``files`` (without quarantine)."""

    entry: LedgerEntry
    files: tuple[Path, ...]

    def rejoin(self, connection: duckdb.DuckDBPyConnection, typed: TypedRows) -> None:
        """Add to ``ff_typed`` the carried rows of events that a good replayed row belongs to.

        Makes ``ff_carried`` (numbered behind the replayed rows) and adds its lineage to ``ff_base``.
        """
        connection.execute(
            """CREATE OR REPLACE TEMP TABLE ff_carried AS
               SELECT *, (SELECT coalesce(max(__row), 0) FROM ff_base)
                         + row_number() OVER (ORDER BY source_file, source_row) AS __row
               FROM read_parquet(?, union_by_name = true, hive_partitioning = false)""",
            [[str(path) for path in self.files]],
        )
        connection.execute(
            "INSERT INTO ff_base BY NAME "
            "SELECT __row, source_file, source_row, arrival_date AS __first_arrival FROM ff_carried"
        )
        values = ", ".join(quote_identifier(name) for name in typed.columns)
        connection.execute(f"""
            INSERT INTO ff_typed BY NAME
            SELECT __row, 0 AS __element, 1 AS __elements, false AS __skip, false AS __bad,
                   arrival_date AS __arrival, {typed.content} AS __content, {values}
            FROM ff_carried
            WHERE event_id IN (SELECT event_id FROM ff_typed WHERE NOT __bad AND NOT __skip)""")

    def append_untouched(self, connection: duckdb.DuckDBPyConnection) -> int:
        """Copy the other carried rows into ``ff_rows`` as they were; return how many."""
        wanted = [row[0] for row in connection.execute("DESCRIBE ff_rows").fetchall() if row[0] != "__arrival"]
        names = ", ".join(quote_identifier(name) for name in wanted)
        row = connection.execute(f"""
            INSERT INTO ff_rows BY NAME SELECT {names}, arrival_date AS __arrival FROM ff_carried
            WHERE __row NOT IN (SELECT __row FROM ff_typed)""").fetchone()
        return int(row[0]) if row else 0

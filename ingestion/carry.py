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
from ingestion.mapping_models import SourceMapping
from ingestion.validation import TypedRows


@dataclass(frozen=True)
class Carried:
    """The first load's ``entry`` and its lake ``files`` (without quarantine), with one that has every column."""

    entry: LedgerEntry
    files: tuple[Path, ...]

    def rejoin(self, connection: duckdb.DuckDBPyConnection, mapping: SourceMapping, typed: TypedRows) -> None:
        """Add to ``ff_cells`` the carried rows of events that a good replayed row belongs to.

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
            INSERT INTO ff_cells BY NAME
            SELECT __row, {"false AS __skip," if mapping.keep is not None else ""} false AS __bad,
                   arrival_date AS __arrival, {values}
            FROM ff_carried
            WHERE event_id IN (SELECT event_id FROM ff_typed WHERE NOT __bad AND NOT __skip)""")

    def append_untouched(self, connection: duckdb.DuckDBPyConnection, typed: TypedRows) -> int:
        """Copy the other carried rows into ``ff_rows`` as they were; return how many."""
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE ff_joined AS
            SELECT * EXCLUDE (content_hash), coalesce(content_hash, {typed.content}) AS content_hash
            FROM (SELECT * FROM (SELECT NULL::VARCHAR AS content_hash WHERE false) UNION ALL BY NAME FROM ff_rows)""")
        known = {row[0] for row in connection.execute("DESCRIBE ff_carried").fetchall()}
        wanted = [row[0] for row in connection.execute("DESCRIBE ff_joined").fetchall()]
        fields = [quote_identifier(name) for name in wanted if name in known]
        if "__value" in wanted:
            fields.append("value AS __value")
        row = connection.execute(f"""
            INSERT INTO ff_joined BY NAME SELECT {", ".join(fields)}, arrival_date AS __arrival FROM ff_carried
            WHERE __row NOT IN (SELECT __row FROM ff_typed)""").fetchone()
        connection.execute("CREATE OR REPLACE TEMP VIEW ff_rows AS SELECT * FROM ff_joined")
        return int(row[0]) if row else 0

"""Whether a JSON file has the fields its mapping reads: JSON tells its columns only row by row.

CSV and Parquet name their columns up front and are checked when opened. A JSON field may be absent
from a whole file for good reason (a quiet day without an order), so absence everywhere is an error
only for what the contract requires. For the rest it is a warning when the file has a similar field that
the mapping does not read: a misspelt field would otherwise be a silent column of nulls.
"""

from __future__ import annotations

import difflib

import duckdb

from ingestion.expressions import quote_identifier
from ingestion.mapping_models import SourceMapping
from ingestion.raw_rows import RawRows, missing


def check_presence(connection: duckdb.DuckDBPyConnection, raw: RawRows, mapping: SourceMapping) -> list[str]:
    """Warnings about fields no row has; ``SourceFileError`` if the contract requires one of them.

    Reads ``ff_typed`` first: a column with values needs no look at the JSON again.
    """
    if raw.kind != "jsonl" or raw.rows == 0:
        return []
    contract = mapping.contract_definition
    rules = {name: rule for name, rule in mapping.columns.items() if not rule.items_total}
    if mapping.event_id is not None:
        rules["event_id"] = mapping.event_id
    counts = connection.execute(
        f"SELECT {', '.join(f'count({quote_identifier(name)})' for name in rules)} FROM ff_typed"
    ).fetchone()
    empty = [name for name, count in zip(rules, counts or (), strict=True) if count == 0]
    wanted = {name: rules[name].source_columns for name in empty if rules[name].source_columns}
    if not wanted:
        return []
    references = tuple(dict.fromkeys(column for columns in wanted.values() for column in columns))
    found = connection.execute(
        f"SELECT {', '.join(f'count({quote_identifier(name)})' for name in references)}, "
        f"count(*) FILTER (WHERE __malformed IS NULL) FROM ({raw.select(references)})"
    ).fetchone()
    if found is None or found[-1] == 0:
        return []
    absent = {name for name, count in zip(references, found, strict=False) if count == 0}
    required = {column.name for column in contract.columns if column.required}
    keys = _keys(connection)
    unread = set(keys) - {column.split(".")[0] for column in mapping.source_columns}
    unread -= {mapping.unnest.column} if mapping.unnest else set()
    warnings = []
    for name, columns in wanted.items():
        gone = [column for column in columns if column in absent]
        if gone and name in required:
            missing(raw.file_name, tuple(gone), keys)
        for column in gone:
            near = difflib.get_close_matches(column.split(".")[0], sorted(unread), n=1, cutoff=0.7)
            if near:
                warnings.append(
                    f"{raw.file_name}: no row has {column!r}, mapped to {name}; "
                    f"did you mean {near[0]!r}, which is not read?"
                )
    return warnings


def _keys(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT DISTINCT unnest(json_keys(__line)) FROM ff_base "
        "WHERE CASE WHEN json_valid(__line) THEN json_type(__line) = 'OBJECT' ELSE false END ORDER BY 1"
    ).fetchall()
    return tuple(row[0] for row in rows)

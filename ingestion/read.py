"""Opening a log file: its records as the temp relation ``ff_base``, raw text kept until the row is judged.

CSV and JSON become lines, Parquet a view of typed columns. What the rows are called and how they are
taken apart is said by the ``RawRows`` that opening returns. Nothing is read row by row in Python.
"""

from __future__ import annotations

import glob
from pathlib import Path

import duckdb

from ingestion.csv_records import header_names, join_quoted_lines
from ingestion.expressions import quote_literal
from ingestion.mapping_models import FileFormat, SourceMapping
from ingestion.raw_rows import RawRows, SourceFileError

#: A record longer than this is quarantined as malformed (bytes).
MAX_LINE_BYTES = 16 * 1024 * 1024
# Control characters that no text log contains: the "CSV" reader then returns whole lines.
_NO_DELIMITER = "\x01\x02\x03\x04"
_NO_NULL = "\x05\x06"
_COMPRESSION = {".gz": "gzip", ".zst": "zstd"}


def open_file(connection: duckdb.DuckDBPyConnection, path: Path, mapping: SourceMapping) -> RawRows:
    """Open ``path`` as ``ff_base`` and describe it; ``SourceFileError`` when it is not such a file."""
    if not path.is_file():
        raise SourceFileError(f"{path}: no such file")
    unnest = mapping.unnest.column if mapping.unnest else None
    _drop_base(connection)
    try:
        if mapping.format.type == "parquet":
            return _open_parquet(connection, path, mapping.format, unnest)
        known = _open_lines(connection, path, mapping.format)
    except duckdb.Error as error:
        words = str(error).splitlines()[0]
        raise SourceFileError(f"{path}: cannot be read as {mapping.format.type}: {words}") from error
    return RawRows(path.name, mapping.format.type, mapping.format, unnest, _count(connection), known)


def open_json_records(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    mapping: SourceMapping,
    query: str,
    parameters: list[object],
    types: dict[str, str],
) -> RawRows:
    """Open quarantined records as ``ff_base``: ``query`` yields ``__row``, ``__line``, ``__broken``.

    ``types`` are the DuckDB types that the columns had in a Parquet file, empty for text sources.
    """
    _drop_base(connection)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE ff_base AS {query}", parameters)
    unnest = mapping.unnest.column if mapping.unnest else None
    return RawRows(name, "jsonl", mapping.format, unnest, _count(connection), None, types)


def _drop_base(connection: duckdb.DuckDBPyConnection) -> None:
    """Forget the file before: its base is a view for Parquet, else a table."""
    row = connection.execute("SELECT count(*) FROM duckdb_views() WHERE view_name = 'ff_base'").fetchone()
    connection.execute(f"DROP {'TABLE' if row == (0,) else 'VIEW'} IF EXISTS ff_base")


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("SELECT count(*) FROM ff_base").fetchone()
    return int(row[0]) if row else 0


def _path_literal(path: Path) -> str:
    """The path as SQL text that means this one file, whatever wildcard characters are in its name."""
    return quote_literal(glob.escape(str(path)))


def _open_parquet(
    connection: duckdb.DuckDBPyConnection, path: Path, file_format: FileFormat, unnest: str | None
) -> RawRows:
    connection.execute(f"""
        CREATE OR REPLACE TEMP VIEW ff_base AS
        SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS __row
        FROM read_parquet({_path_literal(path)}, file_row_number = true, hive_partitioning = false)""")
    described = connection.execute("DESCRIBE ff_base").fetchall()
    types = {row[0]: row[1] for row in described if row[0] != "__row"}
    return RawRows(path.name, "parquet", file_format, unnest, _count(connection), tuple(types), types)


def _open_lines(connection: duckdb.DuckDBPyConnection, path: Path, file_format: FileFormat) -> tuple[str, ...] | None:
    """Read lines into ``ff_base`` (__row, __line, __broken); for CSV return the names of its fields."""
    for table in ("ff_rejects", "ff_scans"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    compression = _COMPRESSION.get(path.suffix, "none")
    connection.execute(f"""
        CREATE TEMP TABLE ff_base AS
        SELECT row_number() OVER () AS __row, rtrim(line, chr(13)) AS __line, NULL::VARCHAR AS __broken
        FROM read_csv({_path_literal(path)}, columns = {{'line': 'VARCHAR'}}, header = false, auto_detect = false,
                      delim = {quote_literal(_NO_DELIMITER)}, nullstr = {quote_literal(_NO_NULL)},
                      quote = '', escape = '', comment = '', strict_mode = false, hive_partitioning = false,
                      compression = '{compression}', encoding = '{file_format.encoding}',
                      max_line_size = {MAX_LINE_BYTES}, store_rejects = true, rejects_limit = 0,
                      rejects_table = 'ff_rejects', rejects_scan = 'ff_scans')""")
    _put_back_rejects(connection)
    connection.execute("UPDATE ff_base SET __line = ltrim(__line, chr(65279)) WHERE __row = 1")
    blank = connection.execute("SELECT count(*) FROM ff_base WHERE trim(__line) = '' AND __broken IS NULL").fetchone()
    if blank != (0,):
        connection.execute("DELETE FROM ff_base WHERE trim(__line) = '' AND __broken IS NULL")
    if file_format.type == "jsonl":
        return None
    join_quoted_lines(connection, "ff_base", file_format.delimiter)
    if not file_format.header:
        return file_format.columns
    row = connection.execute("SELECT __row, __line FROM ff_base ORDER BY __row LIMIT 1").fetchone()
    if row is None:
        return ()
    connection.execute("DELETE FROM ff_base WHERE __row = ?", [row[0]])
    connection.execute("UPDATE ff_base SET __row = __row - ?", [row[0]])
    return tuple(header_names(row[1], file_format.delimiter))


def _put_back_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    """Lines that are no text (wrong encoding) or too long: back in their places, marked as broken."""
    row = connection.execute("SELECT count(*) FROM ff_rejects").fetchone()
    if row == (0,):
        return
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE ff_base AS
        WITH broken AS (
            SELECT line::BIGINT AS place, any_value(csv_line) AS __line,
                   any_value(CASE WHEN error_type = 'INVALID ENCODING' THEN 'not in the stated encoding'
                                  ELSE lower(error_type::VARCHAR) END) AS __broken
            FROM ff_rejects GROUP BY line
        ), good AS (
            -- the n-th good line takes the n-th place that no broken line holds
            SELECT place, row_number() OVER (ORDER BY place) AS nth
            FROM range(1, (SELECT count(*) + (SELECT max(place) FROM broken) + 1 FROM ff_base)::BIGINT) AS places(place)
            WHERE place NOT IN (SELECT place FROM broken)
        )
        SELECT good.place AS __row, __line, NULL::VARCHAR AS __broken FROM ff_base JOIN good ON good.nth = ff_base.__row
        UNION ALL
        SELECT place, coalesce(__line, ''), __broken FROM broken
        ORDER BY 1""")

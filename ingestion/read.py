"""Opening a log file: its records as the temp relation ``ff_base``, raw text kept until the row is judged.

CSV and JSON become lines, Parquet a view of typed columns. What the rows are called and how they are
taken apart is said by the ``RawRows`` that opening returns. Nothing is read row by row in Python.

A CSV file without a double quote is a *plain* one: DuckDB's own reader then takes it apart in the pass that
casts it, several times cheaper than splitting stored lines. It stops at the first record that does not have
the right number of fields or is no text; the file is then opened again by line, where each broken record
is told apart and kept. What a file's rows become does not depend on which of the two reads it.
"""

from __future__ import annotations

import glob
from pathlib import Path

import duckdb

from ingestion.csv_records import header_names, join_quoted_lines
from ingestion.expressions import quote_literal
from ingestion.mapping_models import FileFormat, SourceMapping
from ingestion.raw_rows import PlainFields, RawRows, SourceFileError

#: A record longer than this is quarantined as malformed (bytes).
MAX_LINE_BYTES = 16 * 1024 * 1024
# Control characters that no text log contains: the "CSV" reader then returns whole lines.
_NO_DELIMITER = "\x01\x02\x03\x04"
_NO_NULL = "\x05\x06"
# Without this the reader takes buffers of sixteen longest lines, and a file of one buffer keeps one core busy.
_BUFFER_BYTES = 2 * MAX_LINE_BYTES
_BLOCK = 4 * 1024 * 1024
_COMPRESSION = {".gz": "gzip", ".zst": "zstd"}


def open_file(
    connection: duckdb.DuckDBPyConnection, path: Path, mapping: SourceMapping, by_line: bool = False
) -> RawRows:
    """Open ``path`` as ``ff_base`` and describe it; ``SourceFileError`` when it is not such a file.

    ``by_line`` keeps a plain CSV file from being read as one.
    """
    if not path.is_file():
        raise SourceFileError(f"{path}: no such file")
    unnest = mapping.unnest.column if mapping.unnest else None
    _drop_base(connection)
    try:
        if mapping.format.type == "parquet":
            return _open_parquet(connection, path, mapping.format, unnest)
        if mapping.format.type == "csv" and not by_line and not unnest:
            plain = _open_plain(connection, path, mapping.format)
            if plain is not None:
                return plain
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


def _reader(path: Path, file_format: FileFormat, columns: list[str], options: str) -> str:
    """SQL of DuckDB's CSV reader over ``path``, every column as text."""
    named = ", ".join(f"{quote_literal(name)}: 'VARCHAR'" for name in columns)
    return (
        f"read_csv({_path_literal(path)}, columns = {{{named}}}, header = false, auto_detect = false, quote = '', "
        f"escape = '', comment = '', nullstr = {quote_literal(_NO_NULL)}, hive_partitioning = false, "
        f"compression = '{_COMPRESSION.get(path.suffix, 'none')}', encoding = '{file_format.encoding}', "
        f"max_line_size = {MAX_LINE_BYTES}, buffer_size = {_BUFFER_BYTES}, {options})"
    )


def _line_reader(path: Path, file_format: FileFormat, options: str = "") -> str:
    """The reader as one column ``line`` of whole lines; it leaves out empty ones."""
    delimiter = quote_literal(_NO_DELIMITER)
    return _reader(path, file_format, ["line"], f"delim = {delimiter}, strict_mode = false{options}")


def _open_plain(connection: duckdb.DuckDBPyConnection, path: Path, file_format: FileFormat) -> RawRows | None:
    """A CSV file that the reader can take apart by itself; None where that could read it otherwise than by line.

    ``ff_base`` becomes a view of its numbered lines, read again only for the rows that are quarantined.
    """
    lines = _line_reader(path, file_format)
    try:
        first = connection.execute(f"SELECT line FROM {lines} LIMIT 1").fetchone()
        if first is None or first[0].startswith("\ufeff") or not first[0].strip():
            return None
        quotes, spaces = _look_over(connection, path, file_format, lines)
        if quotes:
            return None
    except duckdb.InvalidInputException:  # not text throughout: by line, each bad record is kept apart
        return None
    names = file_format.columns
    if file_format.header:
        names = tuple(header_names(first[0].rstrip("\r"), file_format.delimiter))
    if len(names) < 2 or file_format.delimiter == " ":  # a blank line would be a record
        return None
    head = int(file_format.header)
    connection.execute(f"""
        CREATE OR REPLACE TEMP VIEW ff_base AS SELECT * FROM (
            SELECT row_number() OVER () - {head} AS __row, rtrim(line, chr(13)) AS __line, NULL::VARCHAR AS __broken
            FROM {lines}) WHERE __row > 0""")
    fields = [f"f{place}" for place in range(1, len(names) + 1)]
    reader = _reader(path, file_format, fields, f"delim = {quote_literal(file_format.delimiter)}, strict_mode = true")
    return RawRows(path.name, "csv", file_format, None, 0, names, plain=PlainFields(reader, head, spaces))


def _look_over(
    connection: duckdb.DuckDBPyConnection, path: Path, file_format: FileFormat, lines: str
) -> tuple[bool, bool]:
    """Whether a double quote is anywhere in the file, and whether anything is that trimming could take off."""
    if path.suffix in _COMPRESSION:
        row = connection.execute(f"SELECT coalesce(bool_or(contains(line, '\"')), false) FROM {lines}").fetchone()
        return row != (False,), True
    quotes, spaces = False, file_format.encoding == "utf-16"
    with path.open("rb") as handle:
        while not quotes and (block := handle.read(_BLOCK)):
            quotes = b'"' in block
            spaces = spaces or b" " in block or not block.isascii()
    return quotes, spaces


def _open_lines(connection: duckdb.DuckDBPyConnection, path: Path, file_format: FileFormat) -> tuple[str, ...] | None:
    """Read lines into ``ff_base`` (__row, __line, __broken); for CSV return the names of its fields."""
    for table in ("ff_rejects", "ff_scans"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    rejects = ", store_rejects = true, rejects_limit = 0, rejects_table = 'ff_rejects', rejects_scan = 'ff_scans'"
    connection.execute(f"""
        CREATE TEMP TABLE ff_base AS
        SELECT row_number() OVER () AS __row, rtrim(line, chr(13)) AS __line, NULL::VARCHAR AS __broken
        FROM {_line_reader(path, file_format, rejects)}""")
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

"""CSV in SQL over raw lines: records may span lines, and a broken record keeps its raw text.

DuckDB's own CSV reader drops the text and position of what it rejects, so records are taken apart
here from lines (RFC 4180: fields in double quotes may hold the delimiter, line ends and doubled
quotes). A line that opens a quoted field joins the lines after it up to the one that closes it; when
the joined text is no good record either, its lines stand alone again, so that one stray quote costs
one line and not the rest of the file.

Known limit: DuckDB's line reader drops empty lines, also those inside a quoted field.
"""

from __future__ import annotations

import csv
import re

import duckdb

from ingestion.expressions import quote_literal


def _field_patterns(delimiter: str) -> tuple[str, str]:
    """Regular expressions of one delimiter-led field, and of a delimiter-led field left open."""
    d = re.escape(delimiter)
    field = rf'{d}(?:"(?:[^"]|"")*"|(?:[^"{d}][^{d}]*)?)'
    return field, rf'{d}"(?:[^"]|"")*'


def fields_sql(line: str, delimiter: str) -> str:
    """SQL for the VARCHAR[] of ``line``'s fields, unquoted; NULL when quotes do not pair up."""
    field, _ = _field_patterns(delimiter)
    led = f"{quote_literal(delimiter)} || {line}"
    parts = f"regexp_extract_all({led}, {quote_literal(field)}, 0, 's')"
    unquoted = "CASE WHEN part[2] = '\"' THEN replace(part[3:-2], '\"\"', '\"') ELSE part[2:] END"
    return (
        f"CASE WHEN NOT contains({line}, '\"') THEN string_split({line}, {quote_literal(delimiter)}) "
        f"WHEN regexp_full_match({led}, {quote_literal(f'(?:{field})+')}, 's') "
        f"THEN list_transform({parts}, lambda part: {unquoted}) END"
    )


def join_quoted_lines(connection: duckdb.DuckDBPyConnection, table: str, delimiter: str) -> None:
    """Turn ``table``(__row, __line, __broken) of lines into one of records, in place, numbered anew from 1.

    Only when some line opens a quoted field is anything done. Each line is a map between the two states
    outside and inside a quoted field; the state before a line follows from the last line that decides
    it and the parity of those in between that merely switch, so two window functions replace a scan
    by character.
    """
    field, opened = _field_patterns(delimiter)
    led = f"{quote_literal(delimiter)} || __line"
    opens = f"contains(__line, '\"') AND regexp_full_match({led}, {quote_literal(f'(?:{field})*{opened}')}, 's')"
    row = connection.execute(f"SELECT count(*) FROM {table} WHERE __broken IS NULL AND {opens}").fetchone()
    if row == (0,):
        return
    closes = f'(?:[^"]|"")*"(?:{field})*'
    closes_and_opens = f"{closes}{opened}"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE {table} AS
        WITH judged AS (
            SELECT *, __broken IS NULL AND {opens} AS from_outside,
                   -- what an inside state becomes: a line without a lone quote stays inside
                   regexp_full_match(__line, '(?:[^"]|"")*', 's')
                       OR regexp_full_match(__line, {quote_literal(closes_and_opens)}, 's') AS from_inside
            FROM {table}
        ), decided AS (
            SELECT *, max(CASE WHEN from_outside = from_inside THEN __row END)
                       OVER (ORDER BY __row ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS decider,
                   count(*) FILTER (WHERE from_outside AND NOT from_inside)
                       OVER (ORDER BY __row ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS switches
            FROM judged
        ), states AS (
            SELECT line.*, (coalesce(decider.from_inside, false)::INT
                            + line.switches - coalesce(decider.switches, 0)) % 2 = 1 AS inside
            FROM decided AS line LEFT JOIN decided AS decider ON decider.__row = line.decider
        ), grouped AS (
            SELECT *, sum(CASE WHEN inside THEN 0 ELSE 1 END) OVER (ORDER BY __row) AS record FROM states
        ), joined AS (
            SELECT record, min(__row) AS first_row, count(*) AS lines,
                   string_agg(__line, chr(10) ORDER BY __row) AS __line, any_value(__broken) AS __broken
            FROM grouped GROUP BY record
        ), whole AS (
            SELECT *, lines = 1 OR regexp_full_match({led}, {quote_literal(f"(?:{field})+")}, 's') AS is_whole
            FROM joined
        ), records AS (
            SELECT first_row AS position, __line, __broken FROM whole WHERE is_whole
            UNION ALL
            SELECT grouped.__row, grouped.__line, grouped.__broken
            FROM grouped JOIN whole USING (record) WHERE NOT whole.is_whole
        )
        SELECT row_number() OVER (ORDER BY position) AS __row, __line, __broken FROM records ORDER BY position
    """)


def header_names(line: str, delimiter: str) -> list[str]:
    """Field names in a CSV header line, trimmed; a repeated name gets ``_1``, ``_2`` … appended."""
    seen: dict[str, int] = {}
    names = []
    for name in next(csv.reader([line], delimiter=delimiter), []):
        name = name.strip()
        count = seen.get(name, 0)
        seen[name] = count + 1
        names.append(f"{name}_{count}" if count else name)
    return names

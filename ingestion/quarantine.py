"""Rows that did not fit, kept as they came, with the reasons in words.

``raw_text`` is the record as a JSON object where it could be taken apart (``raw_format`` 'json'),
else the line as it stood ('line').
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from ingestion.contract import CONTRACT_VERSION
from ingestion.expressions import quote_literal
from ingestion.lake import QUARANTINE_COLUMNS
from ingestion.ledger import LedgerEntry, pending_quarantine
from ingestion.mapping_models import SourceMapping
from ingestion.pseudonym import patch_ids_sql, pseudonym_sql, replace_ids_sql
from ingestion.raw_rows import RawRows
from ingestion.shops import Shop
from ingestion.validation import TypedRows


def collect(
    connection: duckdb.DuckDBPyConnection,
    raw: RawRows,
    typed: TypedRows,
    mapping: SourceMapping,
    shop: Shop,
    load_id: str,
    pseudonymise: bool,
    replayed: bool,
) -> int:
    """Make ``ff_quarantine`` (``QUARANTINE_COLUMNS``) from the bad rows of ``ff_typed``; return their number.

    A replayed row keeps the source file and row it first came from.
    """
    row = connection.execute("SELECT count(DISTINCT __row) FROM ff_typed WHERE __bad").fetchone()
    count = int(row[0]) if row else 0
    if count == 0:
        connection.execute("DROP TABLE IF EXISTS ff_quarantine")
        return 0
    raw_format, raw_text = raw.raw_text
    origin = "source_file, source_row" if replayed else f"{quote_literal(raw.file_name)}, __row"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE ff_quarantine AS
        WITH reasons AS (
            SELECT __row, min(__arrival) AS __arrival, list(reasons ORDER BY __element).flatten() AS found
            FROM ({typed.reasons}) GROUP BY __row
        ), explained AS (
            -- items of one record often fail alike: each reason once, in the order found
            SELECT __row, __arrival, list_filter(found, lambda reason, place: list_position(found, reason) = place)
                       AS reasons FROM reasons
        ), records AS (
            SELECT *, {raw_format} AS raw_format, {raw_text} AS raw_text
            FROM ff_base JOIN explained USING (__row)
        ), told AS (
            SELECT __row, __arrival, {origin}, raw_format, raw_text, split_part(reasons[1], ':', 1) AS reason_code,
                   array_to_string(reasons, '; ') AS reasons
            FROM records
        ), kept(row, arrival_date, source_file, source_row, raw_format, raw_text, reason_code, reasons) AS (
            {_without_ids(typed) if pseudonymise else "FROM told"}
        ), assembled AS (
            SELECT *, {quote_literal(shop.shop_id)} AS shop_id, {quote_literal(mapping.source)} AS source,
                   {quote_literal(mapping.contract)} AS contract, {quote_literal(load_id)} AS load_id,
                   {CONTRACT_VERSION} AS contract_version
            FROM kept
        )
        SELECT {", ".join(f"{name}::{type_name} AS {name}" for name, type_name in QUARANTINE_COLUMNS.items())}
        FROM assembled ORDER BY arrival_date, source_row""")
    return count


def _without_ids(typed: TypedRows) -> str:
    """SELECT over ``told`` with raw ids replaced in text and reasons.

    Fields that hold ids are set to their pseudonyms at any length; elsewhere ids are replaced from
    six characters. A line that cannot be taken apart may hold an id anywhere, so only its fingerprint
    is kept; likewise an object that replacing would leave unreadable (an id repeated as a bare number).
    """
    numbers = range(len(typed.ids))
    pairs = [(f"o{n}", f"p{n}") for n in numbers]
    patched = patch_ids_sql("raw_text", "raw_text", [(name, f"p{n}") for n, name in enumerate(typed.ids)])
    picked = "".join(f", any_value(o{n}) AS o{n}, any_value(p{n}) AS p{n}" for n in numbers)
    return f"""
        SELECT * EXCLUDE (raw_format, raw_text, reason_code, reasons, whole, before),
               CASE WHEN whole THEN 'json' ELSE 'line' END,
               CASE WHEN whole THEN raw_text
                    ELSE 'withheld: ' || length(before) || ' characters, HMAC ' || {pseudonym_sql("before")} END,
               reason_code, reasons
        FROM (
            SELECT *, raw_format = 'json' AND json_valid(raw_text) AS whole
            FROM (
                SELECT told.* REPLACE (
                           {replace_ids_sql(f"CASE WHEN raw_format = 'json' THEN {patched} END", pairs)} AS raw_text,
                           {replace_ids_sql("reasons", pairs)} AS reasons),
                       told.raw_text AS before
                FROM told LEFT JOIN (SELECT __row {picked} FROM ({typed.originals}) GROUP BY __row) AS ids USING (__row)
            )
        )"""


def waiting(entries: Iterable[LedgerEntry], shop_id: str, source: str, contract: str) -> list[LedgerEntry]:
    """Loads of one source whose quarantined rows still wait, oldest first."""
    return [
        entry
        for entry in pending_quarantine(entries)
        if (entry.shop_id, entry.source, entry.contract) == (shop_id, source, contract)
    ]

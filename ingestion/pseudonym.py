"""Keyed pseudonyms for personal ids, computed inside DuckDB.

A pseudonym is the first 32 hex digits of HMAC-SHA256 (RFC 2104) of the id's text. The padded keys sit
in DuckDB variables, so the key never appears in SQL text or error messages.
"""

from __future__ import annotations

import hashlib

import duckdb

from ingestion.expressions import quote_literal

_BLOCK = 64
#: Shorter ids are ordinary words or numbers: replacing them inside free text would garble it.
MIN_LENGTH_IN_TEXT = 6


def set_key(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Make ``key`` the pseudonym key of this connection. ``ValueError`` when it has under 16 bytes."""
    if len(key) < 16:
        raise ValueError(f"pseudonym key has {len(key)} bytes, expected at least 16")
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    connection.execute("SET VARIABLE ff_inner_pad = ?::BLOB", [bytes(byte ^ 0x36 for byte in block)])
    connection.execute("SET VARIABLE ff_outer_pad = ?::BLOB", [bytes(byte ^ 0x5C for byte in block)])


def pseudonym_sql(text: str) -> str:
    """SQL for the pseudonym of the VARCHAR expression ``text``; NULL stays NULL."""
    inner = f"unhex(sha256(getvariable('ff_inner_pad')::BLOB || encode({text})))"
    return f"left(sha256(getvariable('ff_outer_pad')::BLOB || {inner}), 32)"


def replace_ids_sql(text: str, pairs: list[tuple[str, str]]) -> str:
    """SQL for ``text`` with every (raw id, pseudonym) pair of the same row replaced, plain or URL-encoded.

    Ids under ``MIN_LENGTH_IN_TEXT`` characters and NULL ids are left alone: ``replace`` then looks for a
    control character that the text does not hold. (A CASE would double ``text`` at every step.)
    """
    for raw, pseudonym in pairs:
        needle = f"CASE WHEN length({raw}) >= {MIN_LENGTH_IN_TEXT} THEN {{}} ELSE chr(1) END"
        for spelling in (raw, f"url_encode({raw})"):
            text = f"replace({text}, {needle.format(spelling)}, coalesce({pseudonym}, chr(1)))"
    return text


def patch_ids_sql(record: str, original: str, ids: list[tuple[str, str]]) -> str:
    """SQL for the JSON object ``record`` with the fields that hold ids set to their pseudonyms.

    ``ids`` are (source column, pseudonym); a dotted column is the key with the dot if ``original``, the
    same object unchanged, has one, else the nested key.
    """
    for name, pseudonym in ids:
        nested = pseudonym
        for part in reversed(name.split(".")):
            nested = f"json_object({quote_literal(part)}, {nested})"
        patch = nested
        if "." in name:
            pointer = "/" + name.replace("~", "~0").replace("/", "~1")
            flat = f"json_object({quote_literal(name)}, {pseudonym})"
            patch = f"CASE WHEN json_exists({original}, {quote_literal(pointer)}) THEN {flat} ELSE {nested} END"
        patch = f"CASE WHEN {pseudonym} IS NULL THEN '{{}}'::JSON ELSE {patch} END"
        record = f"json_merge_patch({record}, {patch})"
    return f"({record})::VARCHAR"

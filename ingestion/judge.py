"""Storing a file's judged rows: ``ff_cells`` and ``ff_typed``, in the order of the file."""

from __future__ import annotations

import json
import re
from datetime import date
from zoneinfo import ZoneInfo

import duckdb

from ingestion.load_request import LoadRequest
from ingestion.mapping_models import SourceMapping
from ingestion.raw_rows import RawRows, SourceFileError
from ingestion.validation import RowBuilder, TypedRows

# Plan steps that yield rows in the order in which they take them.
_IN_ORDER = {"READ_CSV", "PROJECTION", "FILTER"}


def day_in_name(mapping: SourceMapping, name: str) -> date | None:
    """The arrival day that a file's name holds, where the mapping's rule says so."""
    if mapping.arrival.pattern is None:
        return None
    match = re.search(mapping.arrival.pattern, name)
    try:
        return date.fromisoformat(match.group(1)) if match else _no_day(mapping, name)
    except ValueError:
        return _no_day(mapping, name)


def _no_day(mapping: SourceMapping, name: str) -> date:
    raise SourceFileError(
        f"{name}: arrival.pattern {mapping.arrival.pattern!r} of mapping {mapping.source} finds no date "
        "in the file's name, expected YYYY-MM-DD or YYYYMMDD"
    )


class NotInOrderError(Exception):
    """A plain file's rows would be stored in another order than the file's, which numbers them."""


def _keeps_order(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    """Whether ``query`` is run as nothing but a scan and computations, which keep the order of rows."""
    row = connection.execute(f"EXPLAIN (FORMAT json) {query}").fetchone()
    nodes = json.loads(row[1]) if row else [{}]
    found = set()
    while nodes:
        node = nodes.pop()
        found.add(str(node.get("name")).strip())
        nodes.extend(node.get("children", ()))
    return found <= _IN_ORDER


def judge(connection: duckdb.DuckDBPyConnection, raw: RawRows, request: LoadRequest) -> TypedRows:
    """Make ``ff_cells`` and ``ff_typed`` of the opened file."""
    mapping, shop = request.mapping, request.shop
    builder = RowBuilder(
        connection,
        raw,
        mapping,
        shop,
        day_in_name(mapping, request.files[0]) if request.replays is None else None,
        request.now.astimezone(ZoneInfo(shop.timezone)).date(),
        request.pseudonymise,
        request.row_arrival,
        whole=request.carried is not None,
    )
    typed = builder.build()
    # A long IN list is made a join, which loses the order of rows; and a CAST repeated inside TRY(…) is lifted
    # out of it, where one bad row fails the whole load.
    guarded = mapping.keep is not None or any(rule.sql for rule in builder.rules.values())
    off = "in_clause, common_subexpressions" if guarded else "in_clause"
    connection.execute(f"SET disabled_optimizers = '{off}'")
    if raw.plain is not None and not _keeps_order(connection, typed.cells):
        raise NotInOrderError
    connection.execute(f"CREATE OR REPLACE TEMP TABLE ff_cells AS {typed.cells}")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW ff_typed AS {typed.view}")
    return typed

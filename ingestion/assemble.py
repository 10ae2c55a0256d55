"""From judged rows to lake rows: items gathered into events, repeated deliveries dropped.

A *delivery* is what arrives as one event: with ``event_key`` the rows that share the key, with
``event_id`` one source row (whose list elements are its items). Most deliveries have one row and pass
through a view; only rows of those with more are stored anew, with what follows from the whole event.
"""

from __future__ import annotations

import duckdb

from ingestion.identity import hash_sql
from ingestion.mapping_models import SourceMapping
from ingestion.validation import TypedRows

_ROW_VALUE = "price::HUGEINT * quantity - coalesce({discount}, 0)"


def assemble(connection: duckdb.DuckDBPyConnection, mapping: SourceMapping, typed: TypedRows) -> None:
    """Make the view ``ff_rows`` of the accepted rows of ``ff_typed``, and ``ff_good`` of all good ones.

    ``ff_rows`` adds to the columns of ``ff_typed``, for events, ``item_index`` and (where mapped) ``__value``,
    and where some event has several rows ``content_hash`` (null where the row's own columns tell it). Source
    rows of ``ff_good`` that have no row in ``ff_rows`` are the duplicates.
    """
    whole = "" if not mapping.unnest else "AND __row NOT IN (SELECT __row FROM ff_typed WHERE __bad)"
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW ff_good AS SELECT * FROM ff_typed WHERE NOT __skip AND NOT __bad {whole}"
    )
    if mapping.contract == "events":
        rows = _event_rows(connection, mapping, typed)
        repeats = _repeated_deliveries(rows, typed.content) if mapping.event_id is not None else None
    else:
        rows = "SELECT * FROM ff_good"
        repeats = _repeated_rows(typed.content) if mapping.identical_rows != "keep" else None
    if repeats is not None:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE ff_repeats AS {repeats}")
        if not _is_empty(connection, "ff_repeats"):
            rows = f"SELECT * FROM ({rows}) WHERE __row NOT IN (SELECT __row FROM ff_repeats)"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW ff_rows AS {rows}")


def _is_empty(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    return connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def _repeated_rows(content: str) -> str:
    """Table rows stand alone; of equal ones all but the first are repeats."""
    return f"SELECT __row FROM ff_good QUALIFY row_number() OVER (PARTITION BY {content} ORDER BY __row) > 1"


def _event_rows(connection: duckdb.DuckDBPyConnection, mapping: SourceMapping, typed: TypedRows) -> str:
    """SELECT of the rows: those of events of one row as they are, the others from ``ff_shared``."""
    value = ""
    rule = mapping.columns.get("value")
    if rule is not None:
        stated = "NULL::BIGINT" if rule.items_total else "value"
        value = f", {_filled(mapping, typed.columns, stated)} AS __value"
    item_index = "CASE WHEN item_id IS NOT NULL THEN 0 END" if "item_id" in typed.columns else "NULL"
    alone = f"SELECT * {value}, {item_index}::INTEGER AS item_index FROM ff_good"
    if not mapping.event_key and not mapping.unnest:
        return alone
    mark = typed.identity if mapping.event_key else "__row"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE ff_marks AS SELECT {mark} AS mark FROM ff_good GROUP BY 1 HAVING count(*) > 1"
    )
    if _is_empty(connection, "ff_marks"):
        return alone
    connection.execute(f"CREATE OR REPLACE TEMP TABLE ff_shared AS {_shared_sql(mapping, typed, mark)}")
    return f"{alone} WHERE {mark} NOT IN (SELECT mark FROM ff_marks) UNION ALL BY NAME SELECT * FROM ff_shared"


def _filled(mapping: SourceMapping, columns: tuple[str, ...], stated: str, total: str = "{}") -> str:
    """SQL of an event's value: what the source states, or the total of its items where the mapping says so."""
    rule = mapping.columns["value"]
    if not rule.items_total and not rule.or_:
        return stated
    row_value = _ROW_VALUE.format(discount="discount" if "discount" in columns else "0")
    return f"coalesce({stated}, TRY_CAST({total.format(row_value)} AS BIGINT))"


def _shared_sql(mapping: SourceMapping, typed: TypedRows, mark: str) -> str:
    """SELECT of the rows of deliveries with several rows, each with its event's time, value and hash."""
    columns = typed.columns
    delivery = "__row"
    if mapping.event_key:
        delivery = typed.late.get("event_id", "event_id")
    item = "item_id" if "item_id" in columns else "NULL::VARCHAR"
    rule = mapping.columns.get("value")
    value = event_value = ""
    if rule is not None:
        stated = "NULL::BIGINT" if rule.items_total else "max(value)"
        value = f", {_filled(mapping, columns, stated, 'sum({})')} AS value"
        event_value = ", event.value AS __value"
    of_event = ["__arrival", "event_ts", *(["received_ts"] if "received_ts" in columns else [])]
    first = ", ".join(f"min({name}) AS {name}" for name in of_event)
    replaced = ", ".join(f"event.{name} AS {name}" for name in of_event)
    helpers = "__delivery, __item, __content, __copy"
    copies = "__copy = 1" if mapping.identical_rows == "drop" else "true"
    return f"""
        WITH parts AS (
            -- equal rows of one event are numbered, so that a mapping may keep only the first of them
            SELECT *, row_number() OVER (PARTITION BY __delivery, __content ORDER BY __row, __element) AS __copy
            FROM (SELECT *, {delivery} AS __delivery, {item} AS __item, {typed.content} AS __content
                  FROM ff_good WHERE {mark} IN (SELECT mark FROM ff_marks))
        ), kept AS (
            SELECT * FROM parts WHERE {copies}
        ), events AS (
            SELECT __delivery, {first} {value}, count(*) AS parts,
                   CASE WHEN count(*) = 1 THEN any_value(__content)
                        ELSE {hash_sql(["string_agg(__content, ',' ORDER BY __content)"])} END AS content_hash
            FROM kept GROUP BY 1
        )
        SELECT kept.* EXCLUDE ({helpers}) REPLACE ({replaced}), event.content_hash {event_value},
               CASE WHEN event.parts > 1 OR kept.__item IS NOT NULL THEN
                    row_number() OVER (PARTITION BY kept.__delivery
                                       ORDER BY kept.event_ts, kept.__item NULLS LAST, kept.__content, kept.__row,
                                                kept.__element) - 1 END::INTEGER AS item_index
        FROM kept JOIN events AS event USING (__delivery)"""


def _repeated_deliveries(rows: str, content: str) -> str:
    """Of the deliveries that carry one event id all but the one with the smallest content hash, then the first."""
    return f"""
        WITH rows AS (
            SELECT * FROM (SELECT NULL::VARCHAR AS content_hash WHERE false) UNION ALL BY NAME {rows}
        ), suspects AS (
            SELECT hash(event_id) AS mark FROM rows GROUP BY 1 HAVING min(__row) <> max(__row)
        ), deliveries AS (
            SELECT DISTINCT event_id, coalesce(content_hash, {content}) AS content_hash, __arrival, __row
            FROM rows WHERE hash(event_id) IN (SELECT mark FROM suspects)
        )
        SELECT __row FROM deliveries
        QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY __arrival, content_hash, __row) > 1"""

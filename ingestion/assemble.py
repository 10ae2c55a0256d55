"""From judged rows to lake rows: items gathered into events, repeated deliveries dropped.

A *delivery* is what arrives as one event: with ``event_key`` the rows that share the key, with
``event_id`` one source row (whose list elements are its items). Most deliveries have one row; only
those with more go through window functions, so a log of single rows pays one hash aggregation.
"""

from __future__ import annotations

import duckdb

from ingestion.expressions import quote_identifier
from ingestion.mapping_models import SourceMapping

_ROW_VALUE = "price::HUGEINT * quantity - coalesce({discount}, 0)"


def assemble(connection: duckdb.DuckDBPyConnection, mapping: SourceMapping, columns: tuple[str, ...]) -> None:
    """Make ``ff_rows`` from ``ff_typed``: accepted rows with ``item_index``, ``value``, ``content_hash``.

    Columns: ``__row``, ``__arrival``, ``content_hash``, the mapped ``columns`` and, for events,
    ``item_index`` and (where mapped) ``value``. Source rows of ``ff_typed`` that are good but have no
    row in ``ff_rows`` are the duplicates.
    """
    whole = "" if not mapping.unnest else "AND __row NOT IN (SELECT __row FROM ff_typed WHERE __bad)"
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW ff_good AS SELECT * FROM ff_typed WHERE NOT __skip AND NOT __bad {whole}"
    )
    if mapping.contract != "events":
        _assemble_table(connection, mapping)
        return
    _assemble_events(connection, mapping, columns)
    if mapping.event_id is not None:
        _drop_repeated_deliveries(connection)


def _assemble_table(connection: duckdb.DuckDBPyConnection, mapping: SourceMapping) -> None:
    """Table rows stand alone; equal ones are repeats unless the mapping keeps them."""
    connection.execute("CREATE OR REPLACE TEMP TABLE ff_rows AS SELECT *, __content AS content_hash FROM ff_good")
    if mapping.identical_rows == "keep":
        return
    connection.execute("""
        DELETE FROM ff_rows WHERE __row IN (
            SELECT __row FROM ff_rows QUALIFY row_number() OVER (PARTITION BY __content ORDER BY __row) > 1)""")


def _assemble_events(connection: duckdb.DuckDBPyConnection, mapping: SourceMapping, columns: tuple[str, ...]) -> None:
    delivery = "event_id" if mapping.event_key else "__row"
    item = "item_id" if "item_id" in columns else "NULL::VARCHAR"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE ff_shared AS
        SELECT hash({delivery}) AS mark FROM ff_good GROUP BY 1 HAVING count(*) > 1""")
    discount = "discount" if "discount" in columns else "0"
    row_value = _ROW_VALUE.format(discount=discount)
    rule = mapping.columns.get("value")
    single_value = event_value = ""
    if rule is not None:
        total_alone = rule.items_total
        single = "NULL::BIGINT" if total_alone else "value"
        shared = "NULL::BIGINT" if total_alone else "max(value)"
        if total_alone or rule.or_:
            single = f"coalesce({single}, ({row_value})::BIGINT)"
            shared = f"coalesce({shared}, TRY_CAST(sum({row_value}) AS BIGINT))"
        single_value, event_value = f", {single} AS value", f", {shared} AS value"
    plain = [name for name in columns if name not in ("value", "event_ts", "received_ts")]
    plain_list = ", ".join(quote_identifier(name) for name in plain)
    has_received = "received_ts" in columns
    received = ", received_ts" if has_received else ""
    first_received = ", min(received_ts) AS received_ts" if has_received else ""
    value_column = ", value" if rule is not None else ""
    copies = "copy = 1" if mapping.identical_rows == "drop" else "true"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE ff_rows AS
        SELECT __row, __arrival, __content AS content_hash, {plain_list}, event_ts {received} {single_value},
               CASE WHEN {item} IS NOT NULL THEN 0 END::BIGINT AS item_index
        FROM ff_good WHERE hash({delivery}) NOT IN (SELECT mark FROM ff_shared)
        UNION ALL
        SELECT part.__row, event.__arrival, event.content_hash,
               {", ".join(f"part.{quote_identifier(name)}" for name in plain)}, event.event_ts
               {received.replace(", ", ", event.")} {value_column.replace(", ", ", event.")},
               CASE WHEN event.parts > 1 OR part.{item if item == "item_id" else "__none"} IS NOT NULL THEN
                    row_number() OVER (PARTITION BY part.{delivery}
                                       ORDER BY part.event_ts, part.__item NULLS LAST, part.__content, part.__row,
                                                part.__element) - 1 END
        FROM (SELECT * FROM ff_parts WHERE {copies}) AS part
        JOIN (
            SELECT {delivery} AS delivery, min(__arrival) AS __arrival, min(event_ts) AS event_ts {first_received}
                   {event_value}, count(*) AS parts,
                   CASE WHEN count(*) = 1 THEN any_value(__content)
                        ELSE md5(string_agg(__content, ',' ORDER BY __content)) END AS content_hash
            FROM ff_parts WHERE {copies} GROUP BY 1
        ) AS event ON event.delivery = part.{delivery}
    """.replace("ff_parts", _parts_sql(delivery, item))
    )


def _parts_sql(delivery: str, item: str) -> str:
    """Rows of deliveries with several rows, equal ones numbered by ``copy``."""
    return f"""(
        SELECT *, {item} AS __item, NULL::VARCHAR AS __none,
               row_number() OVER (PARTITION BY {delivery}, __content ORDER BY __row, __element) AS copy
        FROM ff_good WHERE hash({delivery}) IN (SELECT mark FROM ff_shared))"""


def _drop_repeated_deliveries(connection: duckdb.DuckDBPyConnection) -> None:
    """Of the deliveries that carry one event id keep the one with the smallest content hash, then the first."""
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE ff_repeats AS
        WITH suspects AS (
            SELECT hash(event_id) AS mark FROM ff_rows GROUP BY 1 HAVING min(__row) <> max(__row)
        ), deliveries AS (
            SELECT DISTINCT event_id, content_hash, __arrival, __row FROM ff_rows
            WHERE hash(event_id) IN (SELECT mark FROM suspects)
        )
        SELECT __row FROM deliveries
        QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY __arrival, content_hash, __row) > 1""")
    connection.execute("DELETE FROM ff_rows WHERE __row IN (SELECT __row FROM ff_repeats)")

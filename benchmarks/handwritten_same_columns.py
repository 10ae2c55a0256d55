"""The other baseline: the hand-written script, made to write the columns that Footfall writes.

    python -m benchmarks.handwritten_same_columns <database> <file> …

The lean script (``handwritten_warehouse``) computes in numbers and keeps them; this one computes as it does, in
memory, and then writes what Footfall writes: every event as Parquet by arrival day with its hashed id, text ids,
shop's day and hour and lineage, in the lake's order and compression; sessions and user days with text ids, origin
and bot flag, and the columns that this log leaves null. In the script's favour: content hashes and bot reasons
are left out, and so are the many columns of orders.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import duckdb

from benchmarks import handwritten_warehouse as lean
from ingestion.expressions import quote_literal

_SHOP, _SOURCE = quote_literal(lean.SHOP), quote_literal(lean.SOURCE)
_NAMES = "{'pv': 'view_item', 'cart': 'add_to_cart', 'fav': 'add_to_wishlist', 'buy': 'purchase'}"
_NOTHING = ", ".join(
    f"NULL::VARCHAR AS {name}"
    for name in ("landing_page", "exit_page", "referrer", "channel", "utm_source", "utm_medium", "utm_campaign")
)
_NOWHERE = ", ".join(f"NULL::VARCHAR AS {name}" for name in ("device", "country", "region", "city"))


def full(database: Path, files: list[Path]) -> None:
    """Make ``database`` and, beside it, ``events/arrival_date=…/*.parquet`` from all files."""
    for file in files:
        _write_events(database.parent / "events", file)
    with lean.connect(Path(":memory:")) as connection:
        connection.execute(f"SET temp_directory = {quote_literal(str(database.parent / 'tmp'))}")
        connection.execute(f"ATTACH {quote_literal(str(database))} AS wide")
        lean.build(connection, files)
        _write_days_and_sessions(connection)
        for table in ("orders", "order_lines", "kpis_daily", "rfm", "viewed", "stepped", "funnel_daily"):
            texts = "" if table.endswith("_daily") else "REPLACE (customer_id::VARCHAR AS customer_id)"
            connection.execute(f"CREATE TABLE wide.{table} AS SELECT {_SHOP} AS shop_id, * {texts} FROM {table}")


def _write_events(folder: Path, file: Path) -> None:
    """One file's rows as they lie in the lake: sorted by customer and time, all of them, also what comes again."""
    match = re.search(r"(\d{4}-\d{2}-\d{2})\.csv$", file.name)
    if match is None:
        raise ValueError(f"{file}: expected a file name that ends in YYYY-MM-DD.csv")
    day = match.group(1)
    out = folder / f"arrival_date={day}"
    out.mkdir(parents=True, exist_ok=True)
    with lean.connect(Path(":memory:")) as connection:
        connection.execute(f"""
            COPY (
                SELECT {_SHOP} AS shop_id,
                       left(md5(concat_ws(chr(31), {_SOURCE}, name, customer_id, CASE WHEN name <> 'purchase' THEN
                                item_id END, seconds)), 20) AS event_id,
                       name AS event_name, make_timestamp(seconds * 1000000) AS event_ts,
                       (make_timestamp(seconds * 1000000) + {lean.OFFSET})::DATE AS event_date,
                       extract(hour FROM make_timestamp(seconds * 1000000) + {lean.OFFSET}) AS event_hour,
                       DATE '{day}' AS arrival_date, {_SOURCE} AS source, customer_id::VARCHAR AS customer_id,
                       item_id::VARCHAR AS item_id, item_category::VARCHAR AS item_category,
                       CASE WHEN name = 'purchase' THEN
                            left(md5(concat_ws(chr(31), {_SOURCE}, customer_id, seconds)), 20) END AS order_id,
                       {quote_literal(file.name)} AS source_file, source_row, 'load' AS load_id
                FROM (SELECT customer_id, item_id, item_category, seconds, row_number() OVER () AS source_row,
                             map_extract_value(MAP {_NAMES}, event_name) AS name
                      FROM {lean.read_csv([file])})
                ORDER BY customer_id, event_ts
            ) TO {quote_literal(str(out / "events.parquet"))}
            (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)""")


def _write_days_and_sessions(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"""
        CREATE TABLE wide.sessions AS
        SELECT {_SHOP} AS shop_id, session_id, session_date, session_start_ts, session_end_ts, duration_ms,
               'customer:' || customer_id AS visitor_id, NULL::VARCHAR AS device_id,
               customer_id::VARCHAR AS customer_id,
               events, 0::BIGINT AS page_views, product_views, 0::BIGINT AS searches, wishlist_adds, cart_adds,
               0::BIGINT AS checkouts, orders, is_bounce, is_bot, {_NOTHING},
               '(direct)' AS traffic_source, '(none)' AS traffic_medium, 'Direct' AS channel_group, {_NOWHERE}
        FROM sessions""")
    connection.execute(f"""
        CREATE TABLE wide.user_days AS
        SELECT {_SHOP} AS shop_id, event_date, 'customer:' || customer_id AS visitor_id,
               customer_id::VARCHAR AS customer_id, first_event_ts, last_event_ts, sessions, events,
               0::BIGINT AS page_views, product_views, 0::BIGINT AS searches, wishlist_adds, cart_adds,
               0::BIGINT AS checkouts, orders, first_view_ts, active_hours, is_bot
        FROM user_days""")


def main() -> None:
    """Run ``full`` with the arguments of the module's docstring."""
    database, *files = sys.argv[1:]
    Path(database).parent.mkdir(parents=True, exist_ok=True)
    full(Path(database), [Path(file) for file in files])


if __name__ == "__main__":
    main()

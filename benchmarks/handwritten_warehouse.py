"""The baseline: the same warehouse as a hand-written DuckDB script for this one log, as fast as we can make it.

    python -m benchmarks.handwritten_warehouse full <database> <file> …
    python -m benchmarks.handwritten_warehouse by-day <database>        lay events out for increments
    python -m benchmarks.handwritten_warehouse extra-day <database> <file>
    python -m benchmarks.handwritten_warehouse start-up <database>          open it, do nothing

It knows what Footfall cannot: one shop, one log, integer ids, seconds, a zone without summer time, no
refunds, no money. So it sorts the log once by customer and time, drops repeats and finds sessions in one
streaming pass (``lag`` and a running count without partitions), and hashes one id per session, not per
event. Under the same rules as Footfall: the delivery that arrived first counts, rows over three days late
do not, sessions end after 30 minutes or 24 hours, an order is what a customer buys in one second.

An extra day appends what is new and computes again the days that arrivals of one day can change:
sessions and user days of D-5 … D+2, orders and daily figures of D-5 … D+4, RFM whole.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from benchmarks import handwritten_funnel
from ingestion.expressions import quote_literal

LATE_DAYS = 3
OFFSET = "interval 8 hour"  # Asia/Shanghai
SHOP, SOURCE = "main", "taobao_landing"
_SEEDS = Path(__file__).resolve().parent.parent / "dbt_project" / "seeds"
_GAP, _CAP = "interval 30 minute", "interval 24 hour"


def connect(database: Path) -> duckdb.DuckDBPyConnection:
    """The database with the memory and threads that Footfall's own warehouse gets."""
    memory = os.environ.get("FOOTFALL_DUCKDB_MEMORY", "4GB")
    connection = duckdb.connect(str(database), config={"block_allocator_memory": memory})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET memory_limit = {quote_literal(memory)}")
    connection.execute(f"SET threads = {int(os.environ.get('FOOTFALL_DUCKDB_THREADS', '2'))}")
    connection.execute(f"SET temp_directory = {quote_literal(str(database.parent / 'tmp'))}")
    return connection


def full(database: Path, files: list[Path]) -> None:
    """Make ``database`` from all files."""
    with connect(database) as connection:
        build(connection, files)


def build(connection: duckdb.DuckDBPyConnection, files: list[Path]) -> None:
    """Make every table in the database of ``connection``."""
    connection.execute("CREATE TYPE behaviour AS ENUM ('pv', 'cart', 'fav', 'buy')")
    connection.execute(f"CREATE TEMP TABLE sorted AS {_arrived(files)} ORDER BY {_ORDER}, arrival_date")
    _drop_later_purchases(connection, "sorted")
    connection.execute(f"CREATE TABLE events AS {_sessions_of(_without_repeats('sorted'))}")
    connection.execute("DROP TABLE sorted")
    _rebuild(connection, "events", _EVER)


def lay_out_by_day(database: Path) -> None:
    """Order events by day, so that an increment reads its window alone; no part of what is timed."""
    with connect(database) as connection:
        connection.execute("""
            CREATE TABLE by_day AS
            SELECT * EXCLUDE (session_no, is_start) FROM events ORDER BY event_date, customer_id, event_ts""")
        connection.execute("DROP TABLE events")
        connection.execute("ALTER TABLE by_day RENAME TO events")
        connection.execute("CHECKPOINT")


def extra_day(database: Path, file: Path) -> None:
    """Bring ``database`` (laid out by day) up to date with the file of one more arrival day."""
    match = re.search(r"(\d{4}-\d{2}-\d{2})\.csv$", file.name)
    if match is None:
        raise ValueError(f"{file}: expected a file name that ends in YYYY-MM-DD.csv")
    arrival = date.fromisoformat(match.group(1))

    def days(before: int, after: int) -> str:
        first, last = arrival - timedelta(days=before), arrival + timedelta(days=after)
        return f"BETWEEN DATE '{first}' AND DATE '{last}'"

    with connect(database) as connection:
        connection.execute("BEGIN")
        connection.execute(f"CREATE TEMP TABLE sorted AS {_arrived([file])} ORDER BY {_ORDER}")
        connection.execute(f"""
            CREATE TEMP TABLE known AS
            SELECT customer_id, event_ts, event_name, item_id FROM events WHERE event_date {days(LATE_DAYS, 1)}""")
        connection.execute(f"""
            INSERT INTO events
            SELECT customer_id, event_ts, event_name, item_id, item_category, event_date, arrival_date,
                   event_name <> 'buy' OR repeats_head IS NOT TRUE AS is_head
            FROM (SELECT *, {_SAME_SECOND} AS repeats_head FROM ({_without_repeats("sorted")})) AS fresh
            WHERE CASE WHEN event_name = 'buy'
                       THEN (customer_id, event_ts) NOT IN
                            (SELECT (customer_id, event_ts) FROM known WHERE event_name = 'buy')
                       ELSE NOT EXISTS (
                            SELECT 1 FROM known
                            WHERE known.customer_id = fresh.customer_id AND known.event_ts = fresh.event_ts
                              AND known.event_name = fresh.event_name AND known.item_id = fresh.item_id) END
            ORDER BY event_date, customer_id, event_ts""")
        # A run that began two days before the first day is over 24 hours old there, however it began.
        window = f"SELECT * EXCLUDE (is_head) FROM events WHERE event_date {days(LATE_DAYS + 4, 4)} ORDER BY {_ORDER}"
        connection.execute(f"CREATE TEMP TABLE touched AS {window}")
        connection.execute(f"CREATE TEMP TABLE visits AS {_sessions_of('SELECT * FROM touched')}")
        ahead = handwritten_funnel.LOOK_AHEAD
        _rebuild(
            connection,
            "visits",
            _Windows(
                days(LATE_DAYS + 2, 2),
                days(LATE_DAYS + 2, 4),
                days(LATE_DAYS + 2 + ahead, 2 + handwritten_funnel.RETURNING_DAYS),
                days(LATE_DAYS + 2 + ahead, 9 + handwritten_funnel.RETURNING_DAYS),
            ),
        )
        connection.execute("COMMIT")


@dataclass(frozen=True)
class _Windows:
    """The days that a run writes, as SQL that follows a date: of sessions, orders, visitors' funnels, funnels."""

    sessions: str
    orders: str
    visitor_funnels: str
    funnels: str


_EVER = _Windows(*["BETWEEN DATE '1970-01-01' AND DATE '9999-12-31'"] * 4)
_ORDER = "customer_id, event_ts, event_name, item_id"
_SAME_SECOND = """lag(customer_id) OVER () = customer_id AND lag(event_ts) OVER () = event_ts
                  AND lag(event_name) OVER () = event_name"""


def read_csv(files: list[Path]) -> str:
    """Table function over the files, with the file's name."""
    listed = ", ".join(quote_literal(str(file)) for file in files)
    return f"""read_csv([{listed}], header = false, auto_detect = false, filename = true, columns = {{
                'customer_id': 'INTEGER', 'item_id': 'INTEGER', 'item_category': 'INTEGER',
                'event_name': 'VARCHAR', 'seconds': 'BIGINT'}})"""


def _arrived(files: list[Path]) -> str:
    """SELECT of the files' rows that are not too late, typed."""
    return f"""
        SELECT * FROM (
            SELECT customer_id, make_timestamp(seconds * 1000000) AS event_ts, event_name::behaviour AS event_name,
                   item_id, item_category, (make_timestamp(seconds * 1000000) + {OFFSET})::DATE AS event_date,
                   regexp_extract(filename, '(\\d{{4}}-\\d{{2}}-\\d{{2}})\\.csv$', 1)::DATE AS arrival_date
            FROM {read_csv(files)}
        ) WHERE arrival_date <= event_date + {LATE_DAYS} AND arrival_date >= event_date - 1"""


def _drop_later_purchases(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """A purchase delivered in several files is the first delivery, whole."""
    connection.execute(f"""
        DELETE FROM {table} USING (
            SELECT customer_id, event_ts, min(arrival_date) AS first_arrival FROM {table} WHERE event_name = 'buy'
            GROUP BY ALL HAVING min(arrival_date) < max(arrival_date)) AS again
        WHERE {table}.event_name = 'buy' AND {table}.customer_id = again.customer_id
          AND {table}.event_ts = again.event_ts AND {table}.arrival_date > again.first_arrival""")


def _without_repeats(table: str) -> str:
    """Rows of a sorted table, equal neighbours once."""
    return f"""
        SELECT customer_id, event_ts, event_name, item_id, item_category, event_date, arrival_date
        FROM (SELECT *, {_SAME_SECOND} AND lag(item_id) OVER () = item_id AS repeats_row FROM {table})
        WHERE repeats_row IS NOT TRUE"""


def _sessions_of(rows: str) -> str:
    """Sorted rows with ``is_head`` (once per event), ``is_start`` and a running ``session_no``."""
    return f"""
        SELECT *, count(*) FILTER (WHERE is_start) OVER (ROWS UNBOUNDED PRECEDING) AS session_no
        FROM (
            SELECT *, event_name <> 'buy' OR ({_SAME_SECOND}) IS NOT TRUE AS is_head,
                   (lag(customer_id) OVER () = customer_id AND event_ts <= lag(event_ts) OVER () + {_GAP})
                       IS NOT TRUE AS is_start
            FROM ({rows}))"""


_COUNTS = """count(*) FILTER (WHERE is_head) AS events,
             count(*) FILTER (WHERE event_name = 'pv') AS product_views,
             count(*) FILTER (WHERE event_name = 'fav') AS wishlist_adds,
             count(*) FILTER (WHERE event_name = 'cart') AS cart_adds,
             count(*) FILTER (WHERE event_name = 'buy' AND is_head) AS orders"""


def _rebuild(connection: duckdb.DuckDBPyConnection, visits: str, windows: _Windows) -> None:
    """Write every table from ``visits``: whole, or the windows."""
    whole = windows is _EVER

    def write(table: str, column: str, window: str, query: str) -> None:
        if whole:
            connection.execute(f"CREATE TABLE {table} AS {query}")
        else:
            connection.execute(f"DELETE FROM {table} WHERE {column} {window}")
            connection.execute(f"INSERT INTO {table} SELECT * FROM ({query}) WHERE {column} {window}")

    connection.execute(f"""
        CREATE TEMP TABLE runs AS
        SELECT session_no, any_value(customer_id) AS customer_id, min(event_ts) AS session_start_ts,
               max(event_ts) AS session_end_ts, {_COUNTS}
        FROM {visits} GROUP BY session_no""")
    _cut_at_cap(connection, visits)
    connection.execute(f"""
        CREATE TEMP TABLE days_of_users AS
        SELECT event_date, customer_id, min(event_ts) AS first_event_ts, max(event_ts) AS last_event_ts,
               count(*) FILTER (WHERE is_start) AS sessions, {_COUNTS},
               min(event_ts) FILTER (WHERE event_name = 'pv') AS first_view_ts,
               bit_count(bit_or(1 << extract(hour FROM event_ts + {OFFSET})::INTEGER)) AS active_hours
        FROM {visits} GROUP BY event_date, customer_id""")
    handwritten_funnel.flag_bots(connection, OFFSET)
    write(
        "sessions",
        "session_date",
        windows.sessions,
        f"""
        SELECT md5(concat_ws('|', '{SHOP}', 'customer:' || runs.customer_id, epoch_us(session_start_ts))) AS session_id,
               (session_start_ts + {OFFSET})::DATE AS session_date, session_start_ts, session_end_ts,
               (epoch_us(session_end_ts) - epoch_us(session_start_ts)) // 1000 AS duration_ms, runs.customer_id,
               events, product_views, wishlist_adds, cart_adds, orders, events = 1 AS is_bounce,
               caught.day IS NOT NULL AS is_bot
        FROM runs
        LEFT JOIN caught
        ON caught.customer_id = runs.customer_id AND caught.day = (session_start_ts + {OFFSET})::DATE""",
    )
    write(
        "user_days",
        "event_date",
        windows.sessions,
        """
        SELECT days.*, caught.day IS NOT NULL AS is_bot
        FROM days_of_users AS days
        LEFT JOIN caught ON caught.customer_id = days.customer_id AND caught.day = days.event_date""",
    )
    connection.execute(f"""
        CREATE TEMP TABLE lines AS
        SELECT left(md5(concat_ws(chr(31), '{SOURCE}', customer_id, epoch(event_ts)::BIGINT)), 20) AS order_id,
               event_ts AS ordered_at, event_date AS order_date, customer_id, item_id, item_category, session_no,
               row_number() OVER (PARTITION BY customer_id, event_ts ORDER BY item_id::VARCHAR) - 1 AS line_number
        FROM {visits} WHERE event_name = 'buy'""")
    write(
        "orders",
        "order_date",
        windows.orders,
        f"""
        SELECT order_id, order_date, ordered_at, customer_id, line_count,
               CASE WHEN ordered_at <= session_start_ts + {_CAP} THEN
                    md5(concat_ws('|', '{SHOP}', 'customer:' || customer_id, epoch_us(session_start_ts))) END
               AS session_id
        FROM (
            SELECT order_id, order_date, ordered_at, customer_id, session_no, max(line_number) + 1 AS line_count
            FROM lines GROUP BY ALL)
        JOIN (SELECT session_no, session_start_ts FROM runs) USING (session_no)""",
    )
    write(
        "order_lines",
        "order_date",
        windows.orders,
        """
        SELECT order_id, line_number, order_date, customer_id, item_id, item_category FROM lines""",
    )
    write("kpis_daily", "kpi_date", windows.orders, _KPIS.format(window=windows.orders))
    handwritten_funnel.find_steps(connection, visits, OFFSET)
    for table, found in (("viewed", "seen"), ("stepped", "done")):
        write(table, "session_date", windows.sessions, f"SELECT * EXCLUDE (session_no) FROM {found}")
    for unit, window in (("session", windows.sessions), ("visitor", windows.visitor_funnels)):
        if not whole:
            connection.execute(f"DELETE FROM funnel_counts WHERE unit = '{unit}' AND funnel_date {window}")
    counts = handwritten_funnel.count_funnels(windows.sessions, windows.visitor_funnels)
    connection.execute(f"{'CREATE TABLE funnel_counts AS' if whole else 'INSERT INTO funnel_counts'} {counts}")
    write("funnel_daily", "funnel_date", windows.funnels, handwritten_funnel.funnels(windows.funnels))
    connection.execute(f"CREATE OR REPLACE TABLE rfm AS {_rfm()}")
    for table in ("runs", "lines", "days_of_users", "caught", "seen", "done"):
        connection.execute(f"DROP TABLE {table}")


def _cut_at_cap(connection: duckdb.DuckDBPyConnection, visits: str) -> None:
    """Runs longer than 24 hours lose what is past the cap; there are few."""
    connection.execute(f"""
        CREATE TEMP TABLE over_cap AS
        SELECT session_no, any_value(visits.customer_id) AS customer_id, min(event_ts) AS session_start_ts,
               max(event_ts) AS session_end_ts, {_COUNTS}
        FROM {visits} AS visits
        JOIN (SELECT session_no, session_start_ts FROM runs WHERE session_end_ts > session_start_ts + {_CAP}) AS long
        USING (session_no)
        WHERE visits.event_ts <= long.session_start_ts + {_CAP} GROUP BY session_no""")
    connection.execute("DELETE FROM runs WHERE session_no IN (SELECT session_no FROM over_cap)")
    connection.execute("INSERT INTO runs FROM over_cap")
    connection.execute("DROP TABLE over_cap")


_KPIS = """
    SELECT event_date AS kpi_date, visitors, coalesce(s.sessions, 0) AS sessions, coalesce(bounces, 0) AS bounces,
           events, product_views, cart_adds, visitors_with_cart, visitors_with_purchase,
           coalesce(sessions_with_purchase, 0) AS sessions_with_purchase,
           coalesce(session_duration_ms, 0) AS session_duration_ms,
           coalesce(o.orders, 0) AS orders, coalesce(o.buyers, 0) AS buyers,
           round(sessions_with_purchase::DECIMAL(38, 6) / nullif(s.sessions, 0), 6) AS session_conversion_rate,
           round(visitors_with_purchase::DECIMAL(38, 6) / nullif(visitors, 0), 6) AS visitor_conversion_rate,
           round(bounces::DECIMAL(38, 6) / nullif(s.sessions, 0), 6) AS bounce_rate
    FROM (
        SELECT event_date, count(*) AS visitors, sum(events)::BIGINT AS events,
               sum(product_views)::BIGINT AS product_views, sum(cart_adds)::BIGINT AS cart_adds,
               count(*) FILTER (WHERE cart_adds > 0) AS visitors_with_cart,
               count(*) FILTER (WHERE orders > 0) AS visitors_with_purchase
        FROM user_days WHERE event_date {window} AND NOT is_bot GROUP BY event_date)
    LEFT JOIN (
        SELECT session_date AS event_date, count(*) AS sessions, count(*) FILTER (WHERE is_bounce) AS bounces,
               count(*) FILTER (WHERE orders > 0) AS sessions_with_purchase,
               sum(duration_ms)::BIGINT AS session_duration_ms
        FROM sessions WHERE session_date {window} AND NOT is_bot GROUP BY session_date) AS s USING (event_date)
    LEFT JOIN (
        SELECT order_date AS event_date, count(*) AS orders, count(DISTINCT customer_id) AS buyers
        FROM orders WHERE order_date {window} GROUP BY order_date) AS o USING (event_date)"""


def _rfm() -> str:
    """Recency and frequency scored as ``customer_rfm`` scores them; this log knows no money."""
    segments = f"read_csv({quote_literal(str(_SEEDS / 'rfm_segments.csv'))})"
    return f"""
        SELECT customer_id, as_of, last_order_date, recency_days, frequency, r_score, f_score, segment
        FROM (
            SELECT *, 5 - (5 * (rank() OVER (ORDER BY recency_days) - 1)) // count(*) OVER () AS r_score,
                   1 + (5 * (rank() OVER (ORDER BY frequency) - 1)) // count(*) OVER () AS f_score
            FROM (
                SELECT customer_id, as_of, max(order_date) AS last_order_date,
                       greatest(as_of - max(order_date), 0) AS recency_days, count(*) AS frequency
                FROM orders,
                     (SELECT least(max(kpi_date), (SELECT max(arrival_date) FROM events)) AS as_of FROM kpis_daily)
                GROUP BY customer_id, as_of))
        LEFT JOIN (SELECT r_score, fm_score AS f_score, segment FROM {segments}) USING (r_score, f_score)"""


def main() -> None:
    """Run one of the commands of the module's docstring."""
    command, database, *files = sys.argv[1:]
    Path(database).parent.mkdir(parents=True, exist_ok=True)
    if command == "full":
        full(Path(database), [Path(file) for file in files])
    elif command == "by-day":
        lay_out_by_day(Path(database))
    elif command == "extra-day":
        extra_day(Path(database), Path(files[0]))
    elif command == "start-up":
        connect(Path(database)).close()
    else:
        raise SystemExit(f"{command}: expected full, by-day, extra-day or start-up")


if __name__ == "__main__":
    main()

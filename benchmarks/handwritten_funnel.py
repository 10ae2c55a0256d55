"""Programs and funnels in the hand-written warehouse, by the rules that Footfall follows.

A session of 60 events at 30 a minute, or of 23½ hours, gives its visitor away on every day it touches; 20 different
hours of one day do so too. The funnel (``agg_funnel_daily``) leaves these out. What this log cannot tell (channel,
device, place, check-outs) is left out here as well, in the script's favour; so is what cannot have changed: an extra
day rewrites the visitors' funnels as far back as their window, those of sessions only where sessions change.
"""

from __future__ import annotations

import duckdb

WINDOW_DAYS, RETURNING_DAYS = 7, 30
#: One day more than the window: 168 hours may touch eight days.
LOOK_AHEAD = WINDOW_DAYS + 1
_FOLLOW = f"interval {WINDOW_DAYS * 24} hour"


def flag_bots(connection: duckdb.DuckDBPyConnection, offset: str) -> None:
    """Table ``caught`` (customer, day) from ``runs`` and ``days_of_users``."""
    connection.execute(f"""
        CREATE TEMP TABLE caught AS
        SELECT customer_id, unnest([(session_start_ts + {offset})::DATE, (session_end_ts + {offset})::DATE]) AS day
        FROM runs
        WHERE (events >= 60 AND session_end_ts > session_start_ts
               AND events * 60000000 >= (epoch_us(session_end_ts) - epoch_us(session_start_ts)) * 30)
           OR session_end_ts >= session_start_ts + interval 1410 minute
        UNION
        SELECT customer_id, event_date FROM days_of_users WHERE active_hours >= 20""")


def find_steps(connection: duckdb.DuckDBPyConnection, visits: str, offset: str) -> None:
    """Tables ``seen`` and ``done``: first views by session, day and category, cart adds and purchases, of people."""
    people = f"""
        FROM {visits} AS visits JOIN runs USING (session_no)
        WHERE event_ts <= session_end_ts
          AND NOT EXISTS (SELECT 1 FROM caught WHERE caught.customer_id = visits.customer_id
                          AND caught.day = (session_start_ts + {offset})::DATE)"""
    columns = f"""any_value((session_start_ts + {offset})::DATE) AS session_date, event_date, session_no,
               any_value(visits.customer_id) AS customer_id, item_category"""
    connection.execute(f"""
        CREATE TEMP TABLE seen AS
        SELECT {columns}, min(event_ts) AS first_view_ts
        {people} AND event_name = 'pv' GROUP BY session_no, event_date, item_category""")
    connection.execute(f"""
        CREATE TEMP TABLE done AS
        SELECT {columns}, event_name, event_ts
        {people} AND event_name IN ('cart', 'buy')
        GROUP BY session_no, event_date, item_category, event_name, event_ts""")


def count_funnels(sessions_of: str, visitors_of: str) -> str:
    """SELECT of the funnel's counts on the days of either unit (SQL after a date), from ``sessions``, ``user_days``,
    ``seen`` and ``done`` of this run and the stored ``viewed`` and ``stepped``."""
    typed = f"""
        SELECT customer_id, day, first_view_ts, is_bot,
               CASE WHEN seen_before >= day - {RETURNING_DAYS} THEN 'returning' ELSE 'new' END AS visitor_type
        FROM (SELECT customer_id, event_date AS day, first_view_ts, is_bot,
                     lag(event_date) OVER (PARTITION BY customer_id ORDER BY event_date) AS seen_before
              FROM user_days WHERE event_date + {RETURNING_DAYS} {visitors_of} OR event_date {visitors_of})
        WHERE day {visitors_of}"""
    units = f"""
        SELECT 'session' AS unit, day, visitor_type, is_viewed, {_MARKS}
        FROM (SELECT customer_id, session_date AS day, session_start_ts, product_views > 0 AS is_viewed
              FROM sessions WHERE NOT is_bot AND session_date {sessions_of})
        LEFT JOIN typed USING (customer_id, day)
        LEFT JOIN (SELECT customer_id, session_start_ts, {_MARKS} FROM session_marks JOIN runs USING (session_no)
                   WHERE item_category = -1) USING (customer_id, session_start_ts)
        UNION ALL
        SELECT 'visitor', day, visitor_type, first_view_ts IS NOT NULL, {_MARKS}
        FROM typed
        LEFT JOIN (SELECT customer_id, day, {_MARKS} FROM visitor_marks WHERE item_category = -1)
        USING (customer_id, day)
        WHERE NOT is_bot"""
    viewers = f"""
        SELECT DISTINCT customer_id, event_date AS day, item_category FROM viewed
        WHERE event_date {visitors_of} AND NOT EXISTS (
            SELECT 1 FROM user_days AS d WHERE is_bot AND d.event_date {visitors_of}
            AND d.event_date = viewed.event_date AND d.customer_id = viewed.customer_id)"""
    viewing = f"""
        SELECT DISTINCT session_no, session_date AS day, item_category FROM seen WHERE session_date {sessions_of}"""
    categories = " UNION ALL ".join(
        f"""
        SELECT '{unit}', day, 'category', item_category::VARCHAR, count(*), count(*), 0, 0, 0, 0
        FROM ({views}) GROUP BY day, item_category
        UNION ALL
        SELECT '{unit}', day, 'category', item_category::VARCHAR, count(*) FILTER (NOT is_viewed), 0, {_COUNTS}
        FROM {unit}_marks WHERE item_category >= 0 GROUP BY day, item_category"""
        for unit, views in (("session", viewing), ("visitor", viewers))
    )
    return f"""
        WITH session_marks AS ({_session_marks(sessions_of)}), visitor_marks AS ({_visitor_marks(visitors_of)}),
        typed AS ({typed}), counted AS (
            SELECT unit, day, visitor_type, count(*) AS units, count(*) FILTER (is_viewed) AS views, {_COUNTS}
            FROM ({units}) GROUP BY unit, day, visitor_type)
        SELECT day AS funnel_date, unit, dimension, dimension_value, sum(units)::BIGINT AS units,
               sum(views)::BIGINT AS views, sum(carts)::BIGINT AS carts, sum(purchases)::BIGINT AS purchases,
               sum(any_carts)::BIGINT AS any_carts, sum(any_purchases)::BIGINT AS any_purchases
        FROM (
            SELECT unit, day, 'visitor_type' AS dimension, visitor_type AS dimension_value,
                   * EXCLUDE (unit, day, visitor_type) FROM counted
            UNION ALL SELECT unit, day, 'all', 'all', * EXCLUDE (unit, day, visitor_type) FROM counted
            UNION ALL {categories})
        GROUP BY ALL"""


def funnels(days: str) -> str:
    """SELECT of ``funnel_counts`` with rates, and the counts a week and a day before where the log has that day."""
    steps = ("units", "views", "carts", "purchases")
    before = ", ".join(
        f"CASE WHEN {name}_day.funnel_date IS NOT NULL THEN coalesce({name}.{step}, 0) END AS {name}_{step}"
        for name in ("week", "day")
        for step in steps
    )
    joins = "".join(
        f"""
        LEFT JOIN (SELECT DISTINCT funnel_date, unit FROM funnel_counts) AS {name}_day
        ON {name}_day.unit = f.unit AND {name}_day.funnel_date = f.funnel_date - {back}
        LEFT JOIN funnel_counts AS {name} ON {name}.unit = f.unit AND {name}.dimension = f.dimension
        AND {name}.dimension_value = f.dimension_value AND {name}.funnel_date = f.funnel_date - {back}"""
        for name, back in (("week", 7), ("day", 1))
    )
    rates = ", ".join(
        f"round(f.{part}::DECIMAL(38, 6) / nullif(f.{whole}, 0), 6) AS {part}_rate"
        for part, whole in zip(steps[1:], steps[:-1], strict=True)
    )
    return f"SELECT f.*, {rates}, {before} FROM funnel_counts AS f {joins} WHERE f.funnel_date {days}"


_MARKS = "is_carted, is_purchased, has_cart, has_purchase"
_COUNTS = """count(*) FILTER (is_carted) AS carts, count(*) FILTER (is_purchased) AS purchases,
             count(*) FILTER (has_cart) AS any_carts, count(*) FILTER (has_purchase) AS any_purchases"""


def _marks(keys: str) -> str:
    """SELECT of how far each of the keys came: from ``followed``, its steps with the first view and the limit."""
    return f"""
        SELECT {keys}, first_view_ts IS NOT NULL AS is_viewed, first_cart IS NOT NULL AS is_carted,
               coalesce(last_buy >= first_cart, false) AS is_purchased, has_cart, has_purchase
        FROM (
            SELECT {keys}, first_view_ts,
                   min(event_ts) FILTER (event_name = 'cart' AND event_ts >= first_view_ts
                                         AND event_ts <= closes_ts) AS first_cart,
                   max(event_ts) FILTER (event_name = 'buy' AND event_ts <= closes_ts) AS last_buy,
                   bool_or(event_name = 'cart') AS has_cart, bool_or(event_name = 'buy') AS has_purchase
            FROM followed GROUP BY {keys}, first_view_ts)"""


def _session_marks(days: str) -> str:
    """Category -1 is the whole session."""
    return f"""
        WITH steps AS (
            SELECT session_no, session_date AS day, unnest([item_category, -1]) AS item_category, event_name, event_ts
            FROM done WHERE session_date {days}
        ), views AS (
            SELECT session_no, unnest([item_category, -1]) AS item_category, first_view_ts FROM seen
            WHERE session_no IN (SELECT session_no FROM done)
        ), entries AS (
            SELECT session_no, item_category, min(first_view_ts) AS first_view_ts,
                   min(first_view_ts) + interval 24 hour AS closes_ts
            FROM views GROUP BY session_no, item_category
        ), followed AS (SELECT * FROM steps LEFT JOIN entries USING (session_no, item_category))
        {_marks("session_no, day, item_category")}"""


def _visitor_marks(days: str) -> str:
    """Category -1 is the whole day of the visitor."""
    return f"""
        WITH steps AS (
            SELECT customer_id, event_date, unnest([item_category, -1]) AS item_category, event_name, event_ts
            FROM stepped WHERE event_date {days} OR event_date - {LOOK_AHEAD} {days}
        ), people AS (
            SELECT customer_id, event_date AS day, first_view_ts FROM user_days WHERE NOT is_bot AND event_date {days}
        ), entries AS (
            SELECT customer_id, day, -1 AS item_category, first_view_ts, first_view_ts + {_FOLLOW} AS closes_ts
            FROM people
            UNION ALL
            SELECT customer_id, day, item_category, min(first_view_ts), min(first_view_ts) + {_FOLLOW}
            FROM (
                SELECT customer_id, event_date AS day, item_category, first_view_ts FROM viewed
                SEMI JOIN (FROM steps) USING (customer_id, item_category) WHERE event_date {days}
                UNION ALL
                SELECT customer_id, event_date, item_category, NULL FROM stepped WHERE event_date {days})
            SEMI JOIN (FROM people) USING (customer_id, day)
            GROUP BY customer_id, day, item_category
        ), followed AS (
            SELECT customer_id, day, item_category, first_view_ts, closes_ts, event_name, event_ts
            FROM steps JOIN entries USING (customer_id, item_category)
            WHERE day = event_date OR event_ts BETWEEN first_view_ts AND closes_ts
        )
        {_marks("customer_id, day, item_category")}"""

"""A session's first events one by one, in columns ``step_<k>_<channel>``: what a sequence model reads.

Channels of each step, all numbers, 0 where there was no such step:
``kind`` (place in ``KINDS``, from 1), ``gap`` (seconds since the step before), ``same_item``, ``same_category``,
``same_page`` (1 where the session had met it before), ``price`` (minor units).
"""

from __future__ import annotations

#: What an event can be; every other name is the last one.
KINDS = (
    "page_view",
    "view_item_list",
    "select_item",
    "view_item",
    "search",
    "add_to_wishlist",
    "add_to_cart",
    "remove_from_cart",
    "view_cart",
    "begin_checkout",
    "add_payment_info",
    "login",
    "(another)",
)
CHANNELS = ("kind", "gap", "same_item", "same_category", "same_page", "price")
#: Steps that there are columns for: those up to the n-th event, and room for what happened in its very microsecond.
STEPS = 8


def step_columns() -> list[str]:
    """Names of all columns, step by step."""
    return [f"step_{step}_{channel}" for step in range(1, STEPS + 1) for channel in CHANNELS]


def _steps_sql() -> str:
    kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    wide = ",\n    ".join(
        f"CAST(max({channel}) FILTER (step = {step}) AS DOUBLE) AS step_{step}_{channel}"
        for step in range(1, STEPS + 1)
        for channel in CHANNELS
    )
    return f"""
WITH sessions AS (
    SELECT shop_id, visitor_id, session_id, session_date, session_start_ts, at_event_ts
    FROM intermediate.int_session_starts
    WHERE shop_id = ? AND session_date >= ? AND session_date < ?
),
firsts AS (
    SELECT
        sessions.session_id, events.event_ts, events.event_id, events.event_name,
        events.item_id, events.item_category, events.page_url, events.price_minor
    FROM sessions
    JOIN intermediate.int_events AS events
        ON events.shop_id = sessions.shop_id
        AND events.visitor_id = sessions.visitor_id
        -- what comes before the n-th event cannot last longer than a day
        AND events.event_date BETWEEN sessions.session_date AND sessions.session_date + 1
        AND events.event_ts BETWEEN sessions.session_start_ts AND sessions.at_event_ts
    WHERE events.is_event_head
),
steps AS (
    SELECT
        session_id,
        row_number() OVER its_events AS step,
        coalesce(list_position([{kinds}], event_name), {len(KINDS)}) AS kind,
        coalesce(epoch(event_ts) - epoch(lag(event_ts) OVER its_events), 0) AS gap,
        CAST(item_id IS NOT NULL AND row_number() OVER its_item > 1 AS INTEGER) AS same_item,
        CAST(item_category IS NOT NULL AND row_number() OVER its_category > 1 AS INTEGER) AS same_category,
        CAST(page_url IS NOT NULL AND row_number() OVER its_page > 1 AS INTEGER) AS same_page,
        coalesce(price_minor, 0) AS price
    FROM firsts
    WINDOW
        its_events AS (PARTITION BY session_id ORDER BY event_ts, event_id),
        its_item AS (PARTITION BY session_id, item_id ORDER BY event_ts, event_id),
        its_category AS (PARTITION BY session_id, item_category ORDER BY event_ts, event_id),
        its_page AS (PARTITION BY session_id, page_url ORDER BY event_ts, event_id)
)
SELECT
    session_id,
    {wide}
FROM steps
WHERE step <= {STEPS}
GROUP BY session_id
"""


#: Takes shop, first day and the day after the last; a row per session.
STEPS_SQL = _steps_sql()

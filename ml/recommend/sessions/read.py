"""The steps of a shop's sessions, from the warehouse.

A step is an item looked at or bought by a person in a session of ``marts.fct_sessions``. An order that is told twice
(a page loaded again) is bought once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

import duckdb
import pandas as pd

from ml.recommend.sessions.steps import Steps

#: What can stand as the item of a step.
ItemColumn = Literal["item_id", "item_name", "item_category"]
_ITEMS: tuple[ItemColumn, ...] = ("item_id", "item_name", "item_category")
#: Events that are steps: what was chosen, not what a list happened to show.
EVENTS = ("view_item", "purchase")

_STEPS = """
SELECT
    sessions.session_id AS session,
    sessions.visitor_id AS visitor,
    events.{item} AS item,
    events.item_category AS category,
    events.event_name AS kind,
    events.event_ts AS time
FROM marts.fct_sessions AS sessions
JOIN intermediate.int_events AS events
    ON events.shop_id = sessions.shop_id
    AND events.visitor_id = sessions.visitor_id
    -- a session lasts a day at most
    AND events.event_date BETWEEN sessions.session_date AND sessions.session_date + 1
    AND events.event_ts BETWEEN sessions.session_start_ts AND sessions.session_end_ts
WHERE
    sessions.shop_id = ? AND sessions.session_date >= ? AND sessions.session_date < ?
    AND events.event_date >= ? AND events.event_date <= ?
    AND NOT sessions.is_bot
    AND list_contains(?, events.event_name)
    AND events.{item} IS NOT NULL
QUALIFY
    events.event_name <> 'purchase' OR events.order_id IS NULL
    OR events.event_ts = min(events.event_ts) OVER (
        PARTITION BY sessions.session_id, events.event_name, events.order_id, events.{item}
    )
ORDER BY sessions.session_id, events.event_ts, events.event_id, events.item_index
"""


def read_frame(
    connection: duckdb.DuckDBPyConnection,
    shop_id: str,
    first: dt.date,
    end: dt.date,
    *,
    item: ItemColumn = "item_id",
    events: Sequence[str] = EVENTS,
) -> pd.DataFrame:
    """Steps of the sessions that began on the days ``first`` to the day before ``end``, one row each, in order.

    Columns as ``Steps.from_frame`` reads them; a day without sessions gives no rows. ``item`` says what is stepped on
    and to: the product, all products of one name (variants share it), or the category. Raises ``ValueError`` for
    another column.
    """
    if item not in _ITEMS:
        raise ValueError(f"item: expected one of {', '.join(_ITEMS)}, got {item}")
    arguments = [shop_id, first, end, first, end, list(events)]
    return connection.execute(_STEPS.format(item=item), arguments).df()


def read_steps(
    connection: duckdb.DuckDBPyConnection,
    shop_id: str,
    first: dt.date,
    end: dt.date,
    *,
    item: ItemColumn = "item_id",
    events: Sequence[str] = EVENTS,
) -> Steps:
    """The same as ``Steps``."""
    return Steps.from_frame(read_frame(connection, shop_id, first, end, item=item, events=events))

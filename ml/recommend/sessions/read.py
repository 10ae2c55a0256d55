"""The steps of a shop's sessions, from the warehouse.

A step is an item that a person looked at or bought in a session (``features.feat_session_items``, which leaves out
programs). An order that is told twice (a page loaded again) is bought once.
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
    session_id AS session,
    visitor_id AS visitor,
    {item} AS item,
    item_category AS category,
    event_name AS kind,
    event_ts AS time
FROM features.feat_session_items
WHERE
    shop_id = ? AND session_date >= ? AND session_date < ?
    -- a session lasts a day at most; the view reads only the days it is asked for
    AND event_date >= ? AND event_date <= ?
    AND list_contains(?, event_name)
    AND {item} IS NOT NULL
QUALIFY
    event_name <> 'purchase' OR order_id IS NULL
    OR event_ts = min(event_ts) OVER (PARTITION BY session_id, event_name, order_id, {item})
ORDER BY session_id, event_ts, event_id, item_index
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

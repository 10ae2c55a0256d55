"""Sessions as they were known at their n-th event, and whether they bought after it, from the warehouse.

``features.feat_session_starts`` holds both; the label is the one column that later events may change. Sessions that
had bought by then are left out everywhere: what they may do next is another question.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd

from ml.evaluation.enough import NotEnoughData
from ml.evaluation.origins import Origin
from ml.learners.backtest import CUSTOMER
from ml.propensity.session_steps import STEPS_SQL, step_columns

NUMERIC = (
    "hour_sin",
    "hour_cos",
    "seconds_since_start",
    "longest_gap_seconds",
    "page_views",
    "list_views",
    "product_views",
    "searches",
    "wishlist_adds",
    "cart_adds",
    "cart_removes",
    "checkouts",
    "other_events",
    "has_carted",
    "items",
    "categories",
    "most_viewed",
    "max_price_viewed_minor",
    "mean_price_viewed_minor",
    "cart_value_minor",
    "is_new",
    "is_known_customer",
    "days_since_last_visit",
    "past_sessions",
    "past_cart_adds",
    "past_orders",
)
CATEGORICAL = ("weekday", "channel_group", "device", "country")
KEYS = ("shop_id", "session_date", "session_id", "visitor_id", "at_event", CUSTOMER, "as_of")

#: Days of one fold, where history has room for it: weekdays differ, so folds are of whole weeks.
BLOCK_DAYS = 7
#: Folds that a test needs beside those tested on, and most that are learned from: a quarter of a year.
_FEWEST_BLOCKS, MOST_BLOCKS = 4, 13
#: Sessions read of one fold; training samples again, and memory must not grow with the shop.
BLOCK_ROWS = 25_000

_SPAN = """
SELECT min(session_date), max(session_date), count(*)
FROM features.feat_session_starts
WHERE shop_id = ? AND purchases = 0
"""
# Visitors stand in the column that back-tests keep together. The sample is by a hash of the session, so that
# it is the same tomorrow.
_SESSIONS = """
SELECT
    starts.shop_id, starts.session_date, starts.session_id, starts.visitor_id, starts.at_event,
    starts.visitor_id AS customer_id,
    sin(2 * pi() * starts.hour_of_day / 24.0) AS hour_sin,
    cos(2 * pi() * starts.hour_of_day / 24.0) AS hour_cos,
    CAST(starts.weekday AS VARCHAR) AS weekday,
    starts.seconds_since_start, starts.longest_gap_seconds,
    starts.page_views, starts.list_views, starts.product_views, starts.searches, starts.wishlist_adds,
    starts.cart_adds, starts.cart_removes, starts.checkouts, starts.other_events,
    CAST(starts.cart_adds > 0 AS INTEGER) AS has_carted,
    starts.items, starts.categories, starts.most_viewed,
    starts.max_price_viewed_minor, starts.mean_price_viewed_minor, starts.cart_value_minor,
    starts.channel_group, starts.device, starts.country,
    CAST(starts.is_new AS INTEGER) AS is_new,
    CAST(starts.customer_id IS NOT NULL AS INTEGER) AS is_known_customer,
    starts.days_since_last_visit, starts.past_sessions, starts.past_cart_adds, starts.past_orders,
    starts.purchased_later
FROM features.feat_session_starts AS starts
WHERE starts.shop_id = ? AND starts.session_date >= ? AND starts.session_date < ? AND starts.purchases = 0
ORDER BY md5(starts.session_id), starts.session_id
LIMIT ?
"""


class Span(NamedTuple):
    """The days of a shop's sessions: the ``first``, the ``newest`` (which may still go on), and how many sessions."""

    first: dt.date
    newest: dt.date
    sessions: int

    @property
    def known_until(self) -> dt.date:
        """The day after the newest one."""
        return self.newest + dt.timedelta(days=1)


class Block(NamedTuple):
    """Sessions of the days ``first`` to the day before ``end``."""

    first: dt.date
    end: dt.date


def session_span(connection: duckdb.DuckDBPyConnection, shop_id: str) -> Span:
    """Raises ``NotEnoughData`` where no session reached its n-th event without having bought."""
    row = connection.execute(_SPAN, [shop_id]).fetchone()
    if row is None or row[0] is None:
        raise NotEnoughData("sessions", "at least one that goes on to the event at which it is judged", "none")
    return Span(*row)


def blocks(span: Span) -> list[Block]:
    """Folds of equal length, oldest first, up to the newest day, which is left out: its sessions may still buy.

    Weeks, or less in a shop that is younger than four of them. Empty where there is no complete day.
    """
    days = (span.newest - span.first).days
    length = min(BLOCK_DAYS, max(1, days // _FEWEST_BLOCKS))
    count = min(MOST_BLOCKS, days // length)
    ends = [span.newest - dt.timedelta(days=length * back) for back in reversed(range(count))]
    return [Block(end - dt.timedelta(days=length), end) for end in ends]


def read_block(
    connection: duckdb.DuckDBPyConnection,
    shop_id: str,
    block: Block,
    *,
    with_steps: bool = False,
    most_rows: int = BLOCK_ROWS,
) -> Origin:
    """The sessions of some days with ``NUMERIC``, ``CATEGORICAL`` and ``KEYS``, and whether they bought after
    their n-th event; a sample of ``most_rows`` in a large shop.

    ``with_steps`` adds the events one by one (``ml.propensity.session_steps``).
    """
    frame = read_sessions(connection, shop_id, block, with_steps=with_steps, most_rows=most_rows)
    y = frame["purchased_later"].to_numpy(dtype=bool).astype(np.float64)
    frame = frame.drop(columns="purchased_later")
    # Always the same date in a fold: what a model learned from must not look different every time.
    frame["as_of"] = pd.Series([block.first] * len(frame), index=frame.index, dtype=object)
    return Origin(block.first, frame, y)


def read_sessions(
    connection: duckdb.DuckDBPyConnection,
    shop_id: str,
    block: Block,
    *,
    with_steps: bool = False,
    most_rows: int | None = None,
) -> pd.DataFrame:
    """The same sessions with their label ``purchased_later``, in order of ``session_id``."""
    arguments = [shop_id, block.first, block.end]
    frame = connection.execute(_SESSIONS, [*arguments, most_rows]).df()
    if with_steps:
        steps = connection.execute(STEPS_SQL, arguments).df()
        frame = frame.merge(steps, on="session_id", how="left", validate="one_to_one")
        frame[step_columns()] = frame[step_columns()].fillna(0.0)
    return frame.sort_values("session_id", ignore_index=True)

"""Sessions for the made-up shop of ``planted_catalogue``, and a shop where a visit says what the next one will be."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd

from tests.ml.recommend.planted_catalogue import FIRST, SHOP

#: Items of a line are looked at one after the other, day by day; there are so many lines.
LINE, LINES = 12, 10


def add_visits(connection: duckdb.DuckDBPyConnection) -> None:
    """A session per user and day of ``features.feat_user_item_days``, in the order of ``last_event_ts`` and item.

    A customer comes by a device of another name. Called again it follows what the warehouse knows by then."""
    connection.execute(
        """
        CREATE SCHEMA IF NOT EXISTS intermediate;
        CREATE OR REPLACE TABLE features.feat_session_items AS
        SELECT
            shop_id, CAST(event_date AS DATE) AS event_date, CAST(event_date AS DATE) AS session_date,
            user_id || '|' || event_date AS session_id, 'device of ' || user_id AS visitor_id,
            last_event_ts - to_seconds(60 - row_number() OVER visit) AS event_ts,
            item_id || '|' || user_id || '|' || event_date AS event_id, 0 AS item_index, 'view_item' AS event_name,
            item_id, NULL::VARCHAR AS item_name, NULL::VARCHAR AS item_category, NULL::VARCHAR AS order_id
        FROM features.feat_user_item_days
        WINDOW visit AS (PARTITION BY shop_id, user_id, event_date ORDER BY last_event_ts, item_id);
        UPDATE features.feat_session_items SET visitor_id = substr(visitor_id, length('device of ') + 1)
        WHERE visitor_id NOT LIKE 'device of customer:%';
        CREATE OR REPLACE TABLE intermediate.int_visitor_days AS
        SELECT DISTINCT
            shop_id, event_date, visitor_id,
            if(visitor_id LIKE 'device of customer:%', substr(visitor_id, length('device of customer:') + 1), NULL)
                AS customer_id
        FROM features.feat_session_items
        """
    )


def lines_log(n_users: int = 200, days: int = 40, seed: int = 5) -> pd.DataFrame:
    """As ``planted_catalogue.choices``: who comes goes along a line of products for three days running, two a day,
    and along another line some days later. What was liked long ago says nothing of the line one is on."""
    generator = np.random.default_rng(seed)
    start = np.arange(0, days - 3, 6)
    user, trip = (part.ravel() for part in np.meshgrid(np.arange(n_users), np.arange(len(start)), indexing="ij"))
    day = start[trip] + generator.integers(0, 4, len(user))
    line, first = generator.integers(0, LINES, len(user)), generator.integers(0, LINE, len(user))
    step = np.tile(np.arange(6), len(user))
    user, day, line, first = (np.repeat(part, 6) for part in (user, day, line, first))
    place = (first + step) % LINE
    when = day + step // 2
    frame = pd.DataFrame(
        {
            "shop_id": SHOP,
            "event_date": [FIRST + dt.timedelta(days=int(one)) for one in when],
            "user_id": [f"customer:客{one:04d}" if one % 3 else f"v{one:04d}" for one in user],
            "item_id": [f"i{one:03d}" for one in line * LINE + place],
            "views": 1,
            "wishlist_adds": 0,
            "cart_adds": 0,
            "purchases": 0,
        }
    )
    minute = pd.to_timedelta(600 + 7 * (step % 2) + user % 60, "m")
    frame["last_event_ts"] = pd.to_datetime(frame["event_date"]) + minute
    keys = ["shop_id", "event_date", "user_id", "item_id"]
    return frame.drop_duplicates(keys, keep="last", ignore_index=True)

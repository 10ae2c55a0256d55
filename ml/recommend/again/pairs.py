"""Who bought what how often and when, at a given date: one row per user and item, counted by DuckDB.

Everything of a row is dated before its date; what came in the days after is its outcome. Users and items are numbered
once, so that cuts of one shop can be put together, and temporary tables leave the warehouse as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from ml.evaluation.enough import NotEnoughData
from ml.recommend.interactions import Ids

#: Days of purchases that count, back from the date.
WINDOW_DAYS = 730
#: Users of a large shop whose purchases are learned from and judged: the same ones every day, by a hash of the id.
TESTED_USERS = 10_000
#: Users whose pairs are held at a time when everyone is scored.
USERS_AT_A_TIME = 50_000
#: Names of the columns that say who, what, and whether it was bought within the horizon after the date.
USER_NO, ITEM_NO, OUTCOME = "user_no", "item_no", "bought_again"

_BOUGHT = """
CREATE OR REPLACE TEMP TABLE again_bought AS
SELECT user_id, item_id, event_date, purchases
FROM features.feat_user_item_days
WHERE shop_id = $shop AND purchases > 0 AND event_date < $as_of
"""
_ITEMS = """
CREATE OR REPLACE TEMP TABLE again_items AS
SELECT item_id, CAST(row_number() OVER (ORDER BY item_id) - 1 AS INTEGER) AS item_no
FROM (SELECT DISTINCT item_id FROM again_bought)
"""
_USERS = """
CREATE OR REPLACE TEMP TABLE again_users AS
SELECT
    user_id,
    CAST(row_number() OVER (ORDER BY user_id) - 1 AS INTEGER) AS user_no,
    row_number() OVER (ORDER BY md5(user_id), user_id) AS drawn
FROM (SELECT DISTINCT user_id FROM again_bought)
"""
_DAYS = """
CREATE OR REPLACE TEMP TABLE again_days AS
SELECT users.user_no, users.drawn, items.item_no, bought.event_date, bought.purchases
FROM again_bought AS bought
INNER JOIN again_users AS users USING (user_id)
INNER JOIN again_items AS items USING (item_id)
ORDER BY users.user_no
"""
_ACTIVE = """
CREATE OR REPLACE TEMP TABLE again_active AS
SELECT users.user_no
FROM again_users AS users
INNER JOIN (
    SELECT DISTINCT user_id
    FROM features.feat_user_item_days
    WHERE shop_id = $shop AND event_date < $as_of AND event_date >= $since
) AS there USING (user_id)
"""
# Halves are added up as integers of millionths, so that no sum depends on how the work was divided.
_FADED = "CAST(sum(CAST(round(1000000 * power(0.5, ($at - event_date) / {days})) AS BIGINT)) AS BIGINT) / 1000000.0"
_PAIRS = f"""
CREATE OR REPLACE TEMP TABLE again_pairs AS
WITH
    known AS (SELECT * FROM again_days WHERE event_date < $at AND event_date >= $first),
    pairs AS (
        SELECT
            user_no,
            item_no,
            any_value(drawn) AS drawn,
            CAST(count(*) AS INTEGER) AS days_bought,
            CAST(sum(purchases) AS INTEGER) AS orders,
            min(event_date) AS first_day,
            max(event_date) AS last_day,
            {_FADED.format(days="30.0")} AS faded_30,
            {_FADED.format(days="90.0")} AS faded_90,
            {_FADED.format(days="180.0")} AS faded_180
        FROM known
        GROUP BY user_no, item_no
    ),
    users AS (
        SELECT
            user_no,
            CAST(count(DISTINCT event_date) AS INTEGER) AS user_days,
            CAST(count(DISTINCT item_no) AS INTEGER) AS user_items,
            CAST($at - max(event_date) AS INTEGER) AS user_since,
            CAST($at - min(event_date) AS INTEGER) AS user_age
        FROM known
        GROUP BY user_no
    ),
    items AS (
        SELECT
            item_no,
            CAST(count(*) AS INTEGER) AS item_days,
            CAST(count(*) FILTER (event_date >= $at - 7) AS INTEGER) AS item_week,
            CAST(count(*) FILTER (event_date >= $at - 30) AS INTEGER) AS item_month,
            CAST(count(*) FILTER (event_date >= $at - 60 AND event_date < $at - 30) AS INTEGER) AS item_month_before,
            CAST($at - max(event_date) AS INTEGER) AS item_since,
            CAST($at - min(event_date) AS INTEGER) AS item_age
        FROM known
        GROUP BY item_no
    ),
    -- the gaps between a user's days with an item add up to the time from the first to the last
    habits AS (
        SELECT
            item_no,
            CAST(sum(days_bought - 1) AS INTEGER) AS item_repeats,
            CAST(sum(last_day - first_day) AS BIGINT) AS item_gaps
        FROM pairs
        GROUP BY item_no
    ),
    later AS (
        SELECT DISTINCT user_no, item_no FROM again_days WHERE event_date >= $at AND event_date < $until
    )
SELECT
    pairs.user_no,
    pairs.item_no,
    pairs.days_bought,
    pairs.orders,
    CAST($at - pairs.last_day AS INTEGER) AS since,
    CAST($at - pairs.first_day AS INTEGER) AS since_first,
    pairs.faded_30,
    pairs.faded_90,
    pairs.faded_180,
    users.* EXCLUDE (user_no),
    items.* EXCLUDE (item_no),
    habits.item_repeats,
    habits.item_gaps / nullif(habits.item_repeats, 0) AS item_gap,
    later.user_no IS NOT NULL AS {OUTCOME}
FROM pairs
INNER JOIN users ON users.user_no = pairs.user_no
INNER JOIN items ON items.item_no = pairs.item_no
INNER JOIN habits ON habits.item_no = pairs.item_no
LEFT JOIN later ON later.user_no = pairs.user_no AND later.item_no = pairs.item_no
{{which}}
ORDER BY pairs.user_no, pairs.item_no
"""
_DRAWN = "WHERE pairs.drawn <= $users"
_THERE = "SEMI JOIN again_active AS active ON active.user_no = pairs.user_no"


@dataclass(frozen=True, eq=False)
class Purchases:
    """``first`` day of the purchases of a shop and ``as_of``, the day after what is known; ``users`` and ``items``:
    ids by number, in code point order; ``n_active`` users were there in the last ``active_days`` and bought before."""

    first: dt.date
    as_of: dt.date
    users: Ids
    items: Ids
    n_active: int


def load_purchases(
    connection: duckdb.DuckDBPyConnection, shop_id: str, as_of: dt.date, *, active_days: int
) -> Purchases:
    """Number the shop's buyers and bought products before ``as_of``, and keep their days in temporary tables.

    Raises ``NotEnoughData`` where nobody bought a known product.
    """
    connection.execute(_BOUGHT, {"shop": shop_id, "as_of": as_of})
    for statement in (_ITEMS, _USERS, _DAYS):
        connection.execute(statement)
    since = as_of - dt.timedelta(days=active_days)
    connection.execute(_ACTIVE, {"shop": shop_id, "as_of": as_of, "since": since})
    connection.execute("DROP TABLE again_bought")
    row = connection.execute("SELECT min(event_date) FROM again_days").fetchone()
    if row is None or row[0] is None:
        raise NotEnoughData(f"purchases of known products before {as_of}", "at least one", "none")
    users = connection.execute("SELECT user_id FROM again_users ORDER BY user_no").fetchnumpy()["user_id"]
    items = connection.execute("SELECT item_id FROM again_items ORDER BY item_no").fetchnumpy()["item_id"]
    active = connection.execute("SELECT count(*) FROM again_active").fetchone()
    return Purchases(
        row[0], as_of, np.asarray(users, dtype=object), np.asarray(items, dtype=object), int(active[0] if active else 0)
    )


def pairs_at(
    connection: duckdb.DuckDBPyConnection, at: dt.date, *, horizon_days: int, users: int = TESTED_USERS
) -> pd.DataFrame:
    """Every item that some ``users`` of the purchases loaded last had bought before ``at``.

    A row per user and item, by number: days and orders with the item, days since the last and first, its days halved
    every 30, 90 and 180 days (``faded_…``); the user's days, items, days since last and first; the item's buying days
    in all, in the last week, month and the month before, days since last and first, how often someone bought it again
    and after how many days on average; ``bought_again`` says whether the user bought it within ``horizon_days`` from
    ``at`` on.
    """
    until = at + dt.timedelta(days=horizon_days)
    connection.execute(_PAIRS.format(which=_DRAWN), {**_dates(at), "until": until, "users": users})
    return connection.execute("SELECT * FROM again_pairs ORDER BY user_no, item_no").df()


def active_pairs(
    connection: duckdb.DuckDBPyConnection, at: dt.date, *, size: int = USERS_AT_A_TIME
) -> Iterator[pd.DataFrame]:
    """The same of all active users, whose outcomes nobody knows: frames of ``size`` user numbers each."""
    connection.execute(_PAIRS.format(which=_THERE), {**_dates(at), "until": at})
    last = connection.execute("SELECT max(user_no) FROM again_pairs").fetchone()
    for start in range(0, (last[0] if last and last[0] is not None else -1) + 1, size):
        yield connection.execute(
            "SELECT * FROM again_pairs WHERE user_no >= $start AND user_no < $stop ORDER BY user_no, item_no",
            {"start": start, "stop": start + size},
        ).df()


def active_users(connection: duckdb.DuckDBPyConnection, at: dt.date) -> pd.DataFrame:
    """A row per active user: ``items_bought`` and ``days_since_purchase``, to compare days by."""
    return connection.execute(
        """
        SELECT
            CAST(count(DISTINCT item_no) AS DOUBLE) AS items_bought,
            CAST($at - max(event_date) AS DOUBLE) AS days_since_purchase
        FROM again_days
        SEMI JOIN again_active USING (user_no)
        WHERE event_date < $at AND event_date >= $first
        GROUP BY user_no
        ORDER BY user_no
        """,
        _dates(at),
    ).df()


def _dates(at: dt.date) -> dict[str, object]:
    return {"at": at, "first": at - dt.timedelta(days=WINDOW_DAYS)}

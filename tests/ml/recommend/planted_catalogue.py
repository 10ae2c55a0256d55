"""A shop made up in DuckDB with the tables that recommendations are served from: people of two tastes, variants of a
product, and a product that was withdrawn."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd

SHOP = "店"
FIRST = dt.date(2026, 1, 1)
DAYS = 60
AS_OF = FIRST + dt.timedelta(days=DAYS)
#: The most popular one, and nobody can have it any more.
WITHDRAWN = "i000"
#: One product in three colours.
VARIANTS = ("i010", "i012", "i014")


def choices(n_users: int = 240, n_items: int = 60, per_day: float = 0.12, seed: int = 3) -> pd.DataFrame:
    """A row per user, item and day as ``features.feat_user_item_days``; even users like even items, odd ones odd."""
    generator = np.random.default_rng(seed)
    user, day = np.nonzero(generator.random((n_users, DAYS)) < per_day)
    user, day = np.repeat(user, 2), np.repeat(day, 2)
    taste = np.where(generator.random(len(user)) < 0.9, user % 2, 1 - user % 2)
    place = np.minimum(generator.geometric(0.08, len(user)) - 1, n_items // 2 - 1)
    item = place * 2 + taste
    bought = generator.random(len(user)) < 0.15
    frame = pd.DataFrame(
        {
            "shop_id": SHOP,
            "event_date": [FIRST + dt.timedelta(days=int(one)) for one in day],
            "user_id": [f"customer:客{one:04d}" if one % 3 else f"v{one:04d}" for one in user],
            "item_id": [f"i{one:03d}" for one in item],
            "views": 1,
            "wishlist_adds": 0,
            "cart_adds": bought.astype(int),
            "purchases": bought.astype(int),
        }
    )
    keys = ["shop_id", "event_date", "user_id", "item_id"]
    frame = frame.groupby(keys, as_index=False).sum()
    return frame.assign(last_event_ts=pd.to_datetime(frame["event_date"]) + pd.Timedelta(12, "h"))


def products(n_items: int = 60) -> pd.DataFrame:
    """Current rows of ``marts.dim_products``; one product is new and nobody saw it."""
    ids = [f"i{number:03d}" for number in range(n_items)] + ["new"]
    return pd.DataFrame(
        {
            "shop_id": SHOP,
            "item_id": ids,
            "is_current": True,
            "item_name": ["同款 衬衫" if one in VARIANTS else f"商品 {one}" for one in ids],
            "item_category": ["偶" if number % 2 == 0 else "奇" for number in range(len(ids))],
            "item_brand": "牌",
            "price_minor": [100 + number for number in range(len(ids))],
            "is_active": [one != WITHDRAWN for one in ids],
        }
    )


def place_of_user(user_id: str) -> tuple[str | None, str | None]:
    """Country and region: a quarter each in a region of many people, in one of few, in the country alone, anywhere."""
    number = int(user_id[-4:])
    few = "西" if number < 40 else None
    return (("中国", "东"), ("中国", few), ("中国", None), (None, None))[number % 4]


def sessions(days: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``features.feat_session_items`` and ``marts.fct_sessions`` of ``days``: a session a user and day, on a device."""
    ids = "s-" + days["user_id"] + "-" + days["event_date"].astype(str)
    items = pd.DataFrame(
        {
            "shop_id": days["shop_id"],
            "event_date": days["event_date"],
            "session_date": days["event_date"],
            "session_id": ids,
            "item_id": days["item_id"],
        }
    )
    users = days["user_id"]
    places = users.map({user: place_of_user(user) for user in users.unique()})
    found = items[["shop_id", "session_date", "session_id"]].assign(
        visitor_id="device of " + users,
        customer_id=users.where(users.str.startswith("customer:")).str.removeprefix("customer:"),
        is_bot=False,
        country=places.str[0],
        region=places.str[1],
    )
    return items, found.drop_duplicates("session_id")


def warehouse(days: pd.DataFrame | None = None, catalogue: pd.DataFrame | None = None) -> duckdb.DuckDBPyConnection:
    """The tables in memory, on one thread."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("CREATE SCHEMA features; CREATE SCHEMA marts")
    known = choices() if days is None else days
    for table, frame in (
        ("features.feat_user_item_days", known),
        ("marts.dim_products", products() if catalogue is None else catalogue),
    ):
        connection.register("given", frame)
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM given")
        connection.unregister("given")
    for table, frame in zip(("features.feat_session_items", "marts.fct_sessions"), sessions(known), strict=True):
        connection.register("given", frame.astype("str").where(frame.notna(), None))
        dates = ", ".join(f"CAST({one} AS DATE) AS {one}" for one in frame.columns if one.endswith("_date"))
        connection.execute(f"CREATE TABLE {table} AS SELECT * REPLACE ({dates}) FROM given")
        connection.unregister("given")
    connection.execute(
        "ALTER TABLE marts.fct_sessions ALTER is_bot TYPE BOOLEAN;"
        "ALTER TABLE features.feat_user_item_days ALTER event_date TYPE DATE;"
        "CREATE TABLE features.feat_as_of_dates AS "
        "SELECT shop_id, max(event_date) + 1 AS as_of FROM features.feat_user_item_days GROUP BY shop_id"
    )
    return connection


def know_until(connection: duckdb.DuckDBPyConnection, day: dt.date, days: pd.DataFrame) -> None:
    """Let the warehouse know the ``days`` before ``day`` and nothing else."""
    connection.register("given", days)
    connection.execute("DELETE FROM features.feat_user_item_days")
    connection.execute(
        "INSERT INTO features.feat_user_item_days SELECT * FROM given WHERE CAST(event_date AS DATE) < ?", [day]
    )
    connection.unregister("given")
    connection.execute("UPDATE features.feat_as_of_dates SET as_of = ?", [day])

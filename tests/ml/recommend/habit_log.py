"""A shop of habits: coffee that is bought again and again, sofas that are not, woollens that stop with the winter."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd

SHOP = "店"
AS_OF = dt.date(2026, 7, 1)
WITHDRAWN = "coffee 0"
_DAYS = 180


def habit_log(n_users: int = 250, seed: int = 3) -> pd.DataFrame:
    """``user_id``, ``item_id``, ``event_date``: each user has three coffees, each with a rhythm of 15 to 35 days, tries
    seven others once, buys three woollens every two weeks until the winter is over, and a new piece of furniture every
    month."""
    generator = np.random.default_rng(seed)
    rows: list[tuple[str, str, int]] = []
    for user in range(n_users):
        name = f"customer:{user:03d}"
        coffees = generator.permutation(12)
        rows += [(name, f"coffee {item}", int(generator.integers(0, _DAYS))) for item in coffees[3:10]]
        for item in coffees[:3]:
            gap = generator.integers(15, 36)
            days = np.arange(generator.integers(0, gap), _DAYS, gap) + generator.integers(-2, 3)
            rows += [(name, f"coffee {item}", int(day)) for day in days]
        for item in generator.choice(12, 3, replace=False):
            rows += [(name, f"wool {item}", int(day)) for day in range(generator.integers(0, 14), 100, 14)]
        furniture = generator.choice(40, 6, replace=False)
        rows += [(name, f"sofa {item}", 30 * place + int(user % 30)) for place, item in enumerate(furniture)]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "day"])
    frame = frame[frame["day"].between(0, _DAYS - 1)].drop_duplicates(ignore_index=True)
    first = AS_OF - dt.timedelta(days=_DAYS)
    return frame.assign(event_date=[first + dt.timedelta(days=day) for day in frame["day"]]).drop(columns="day")


def warehouse_of(log: pd.DataFrame, *, threads: int = 1) -> duckdb.DuckDBPyConnection:
    """``log`` (with ``purchases``, 1 unless there is such a column) as the features that capabilities read."""
    connection = duckdb.connect(config={"threads": threads})
    connection.execute("CREATE SCHEMA features; CREATE SCHEMA marts; CREATE SCHEMA staging")
    connection.execute("CREATE TABLE features.feat_as_of_dates (shop_id VARCHAR, as_of DATE)")
    connection.execute("INSERT INTO features.feat_as_of_dates VALUES (?, ?)", [SHOP, AS_OF])
    connection.register("log", log if "purchases" in log else log.assign(purchases=1))
    connection.execute(
        "CREATE TABLE features.feat_user_item_days AS SELECT ?::VARCHAR AS shop_id, event_date::DATE AS event_date, "
        "user_id::VARCHAR AS user_id, item_id::VARCHAR AS item_id, 0::BIGINT AS views, 0::BIGINT AS wishlist_adds, "
        "0::BIGINT AS cart_adds, purchases::BIGINT AS purchases, event_date::TIMESTAMP AS last_event_ts FROM log",
        [SHOP],
    )
    connection.unregister("log")
    connection.execute(
        "CREATE TABLE marts.dim_products AS SELECT DISTINCT shop_id, item_id, item_id AS item_name, "
        "split_part(item_id, ' ', 1) AS item_category, NULL::VARCHAR AS item_brand, 100::BIGINT AS price_minor, "
        "item_id <> ? AS is_active, TRUE AS is_current FROM features.feat_user_item_days",
        [WITHDRAWN],
    )
    return connection

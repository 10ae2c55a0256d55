"""A made-up shop's ``features.feat_session_starts`` in memory, with an intent that shows in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd

FIRST = dt.date(2026, 1, 5)


def sessions(days: int = 42, per_day: int = 30, seed: int = 3, buys: float = 0.2) -> pd.DataFrame:
    """``per_day`` sessions on each of ``days`` days; about ``buys`` of them buy after their fifth event.

    Who looks again at one product, has been here before and puts something into the cart is more likely to.
    """
    rng = np.random.default_rng(seed)
    n = days * per_day
    intent = rng.normal(size=n)
    again = rng.poisson(np.exp(0.6 * intent))
    carted = rng.random(n) < 1 / (1 + np.exp(3.5 - 1.2 * intent))
    past = rng.poisson(np.exp(0.5 * intent - 1))
    level = np.log(buys / (1 - buys)) - 0.5 if 0 < buys < 1 else 0.0
    later = rng.random(n) < 1 / (1 + np.exp(-level - 1.6 * intent)) if 0 < buys < 1 else np.full(n, buys == 1)
    seconds = np.round(rng.lognormal(4, 1, n), 3)
    return pd.DataFrame(
        {
            "shop_id": "shop",
            "session_date": [FIRST + dt.timedelta(days=int(day)) for day in np.arange(n) // per_day],
            "session_id": [f"s{number:06d}" for number in range(n)],
            "visitor_id": [f"v{number}" for number in rng.integers(0, n // 2 + 1, n)],
            "customer_id": np.where(rng.random(n) < 0.3, "c1", None),
            "at_event": 5,
            "hour_of_day": rng.integers(0, 24, n),
            "weekday": np.arange(n) // per_day % 7,
            "seconds_since_start": seconds,
            "longest_gap_seconds": np.round(seconds / 2, 3),
            "page_views": 2,
            "list_views": rng.integers(0, 3, n),
            "product_views": again + 1,
            "searches": rng.integers(0, 2, n),
            "wishlist_adds": 0,
            "cart_adds": carted.astype(int),
            "cart_removes": 0,
            "checkouts": 0,
            "purchases": (rng.random(n) < 0.01).astype(int),
            "other_events": 0,
            "items": 1 + (again > 1),
            "categories": 1,
            "most_viewed": again + 1,
            "max_price_viewed_minor": rng.integers(500, 90_000, n),
            "mean_price_viewed_minor": rng.uniform(500, 90_000, n).round(2),
            "cart_value_minor": np.where(carted, 1500, 0),
            "channel_group": rng.choice(["Direct", "Email", "自然搜索"], n),
            "device": rng.choice(["desktop", "mobile"], n),
            "country": rng.choice(["中国", "Česko", "مصر"], n),
            "is_new": past == 0,
            "days_since_last_visit": pd.array(np.where(past == 0, None, rng.integers(1, 30, n)), dtype="Int64"),
            "past_sessions": past,
            "past_cart_adds": past // 2,
            "past_orders": past // 3,
            "purchased_later": later,
        }
    )


def shop(frame: pd.DataFrame) -> duckdb.DuckDBPyConnection:
    """A warehouse in memory that holds ``frame``, typed as the model is."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute("CREATE SCHEMA features")
    typed = sessions(1, 1)
    connection.register("typed", typed)
    connection.execute("CREATE TABLE features.feat_session_starts AS SELECT * FROM typed LIMIT 0")
    connection.execute("ALTER TABLE features.feat_session_starts ALTER customer_id TYPE VARCHAR")
    # A frame that was turned round cannot be read as it is.
    connection.register("given", frame.reset_index(drop=True).copy())
    connection.execute("INSERT INTO features.feat_session_starts BY NAME SELECT * FROM given")
    return connection


def changed(change: Callable[[pd.DataFrame], object], **parameters: float) -> pd.DataFrame:
    """:func:`sessions` after ``change`` was made to them in place."""
    frame = sessions(**parameters)  # type: ignore[arg-type]
    change(frame)
    return frame

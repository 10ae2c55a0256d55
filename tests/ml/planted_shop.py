"""A shop made up day by day in DuckDB, with table macros that look like the product's: for models over outcomes.

Each customer has a rate of buying and may leave for good; before leaving, visits thin out and carts are left.
"""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd

FIRST = dt.date(2024, 1, 1)
_WINDOWS = (30, 90, 365)
_COUNTS = ("sessions", "cart_adds", "orders_placed", "net_revenue_minor")


def planted_days(customers: int = 600, days: int = 420, seed: int = 7, name: str = "客户") -> pd.DataFrame:
    """A row per customer and day with a visit or an order; customers leave at a rate of their own."""
    generator = np.random.default_rng(seed)
    parts = []
    begin = generator.integers(0, days // 2, customers)
    rate = generator.gamma(2.0, 0.02, customers)
    stays = generator.exponential(220, customers)
    for number in range(customers):
        span = np.arange(begin[number], days)
        leaves = begin[number] + stays[number]
        alive = span < leaves
        thinning = np.clip((leaves - span) / 40, 0.1, 1.0)
        visits = generator.random(len(span)) < np.where(alive, 4 * rate[number] * thinning, 0)
        orders = visits & (generator.random(len(span)) < 0.4 * thinning)
        orders[0] = True
        seen = visits | orders
        if seen.any():
            parts.append(
                pd.DataFrame(
                    {
                        "customer_id": f"{name}{number:05d}",
                        "day": span[seen],
                        "sessions": 1,
                        "cart_adds": (visits & (generator.random(len(span)) < 0.6))[seen].astype(int),
                        "orders_placed": orders[seen].astype(int),
                    }
                )
            )
    frame = pd.concat(parts, ignore_index=True)
    worth = np.round(generator.lognormal(8, 0.6, len(frame))).astype("int64")
    frame["net_revenue_minor"] = np.where(frame["orders_placed"] > 0, worth, 0)
    frame["event_date"] = pd.Timestamp(FIRST) + pd.to_timedelta(frame.pop("day"), unit="D")
    return frame.assign(shop_id="店")


def planted_warehouse(days: pd.DataFrame, known_until: dt.date | None = None) -> duckdb.DuckDBPyConnection:
    """The days as ``features.feat_customer_days`` with the dates and macros that the models read."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("CREATE SCHEMA features")
    connection.execute(
        "CREATE TABLE features.feat_customer_days (shop_id VARCHAR, customer_id VARCHAR, event_date DATE, "
        "sessions BIGINT, cart_adds BIGINT, orders_placed BIGINT, net_revenue_minor BIGINT)"
    )
    if len(days):
        connection.register("days", days)
        connection.execute("INSERT INTO features.feat_customer_days BY NAME SELECT * FROM days")
        connection.unregister("days")
    connection.execute(
        "CREATE TABLE features.feat_as_of_dates AS SELECT shop_id, "
        "coalesce(CAST(? AS DATE), max(event_date) + 1) AS as_of FROM features.feat_customer_days GROUP BY shop_id",
        [known_until],
    )
    windows = ", ".join(
        f"CAST(coalesce(sum({count}) FILTER (event_date >= at_date - {width}), 0) AS BIGINT) AS {count}_{width}d"
        for count in _COUNTS
        for width in _WINDOWS
    )
    connection.execute(
        f"""
        CREATE MACRO features.customer_features(cutoff) AS TABLE
        SELECT shop_id, at_date AS as_of, customer_id,
            date_diff('day', min(event_date), at_date) AS tenure_days,
            date_diff('day', max(event_date) FILTER (sessions > 0), at_date) AS days_since_active,
            {windows},
            CAST(count(*) FILTER (cart_adds > 0 AND orders_placed = 0
                AND event_date >= at_date - 90) AS BIGINT) AS cart_days_without_order_90d,
            CAST(sum(orders_placed) AS BIGINT) AS orders_placed,
            count(*) FILTER (orders_placed > 0) AS order_days,
            date_diff('day', min(event_date) FILTER (orders_placed > 0), at_date)
                AS days_since_first_order,
            date_diff('day', max(event_date) FILTER (orders_placed > 0), at_date) AS days_since_last_order,
            (days_since_first_order - days_since_last_order) / nullif(order_days - 1, 0) AS mean_gap_days,
            CAST(sum(net_revenue_minor) AS BIGINT) AS net_revenue_minor
        FROM (SELECT *, CAST(cutoff AS DATE) AS at_date FROM features.feat_customer_days) AS days
        WHERE event_date < at_date
        GROUP BY shop_id, at_date, customer_id
        """
    )
    connection.execute(
        """
        CREATE MACRO features.customer_outcomes(cutoff, horizon) AS TABLE
        SELECT known.shop_id, known.at_date AS as_of, known.customer_id,
            CAST(coalesce(sum(later.orders_placed), 0) AS BIGINT) AS orders_placed,
            known.at_date + any_value(known.ahead) <= (SELECT max(as_of) FROM features.feat_as_of_dates) AS is_complete
        FROM (SELECT DISTINCT shop_id, customer_id, CAST(cutoff AS DATE) AS at_date, CAST(horizon AS INTEGER) AS ahead
              FROM features.feat_customer_days WHERE event_date < CAST(cutoff AS DATE)) AS known
        LEFT JOIN features.feat_customer_days AS later
            ON later.shop_id = known.shop_id AND later.customer_id = known.customer_id
            AND later.event_date >= known.at_date AND later.event_date < known.at_date + known.ahead
        GROUP BY known.shop_id, known.at_date, known.customer_id
        """
    )
    return connection

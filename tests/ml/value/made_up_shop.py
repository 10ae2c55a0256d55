"""A shop whose customers buy as Pareto/NBD and spend as Gamma-Gamma say, in the tables that models read."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd

BEGIN, AS_OF = dt.date(2024, 1, 1), dt.date(2025, 4, 1)

#: The columns of the warehouse's feat_customer_days that the models' SQL and the macro below read.
DAYS = """
    CREATE SCHEMA IF NOT EXISTS features;
    CREATE OR REPLACE TABLE features.feat_customer_days (
        shop_id VARCHAR, event_date DATE, customer_id VARCHAR, events BIGINT, orders_placed BIGINT,
        orders_of_unknown_value BIGINT, gross_minor BIGINT, refund_minor BIGINT, net_revenue_minor BIGINT
    );
    CREATE OR REPLACE TABLE features.feat_as_of_dates (shop_id VARCHAR, as_of DATE);
"""

#: A short form of the warehouse's macro: same names, same meaning, fewer windows.
FEATURES = """
    CREATE OR REPLACE MACRO features.customer_features(cutoff) AS TABLE
    WITH cut AS (SELECT CAST(cutoff AS DATE) AS as_of),
    days AS (SELECT * FROM features.feat_customer_days INNER JOIN cut ON event_date < as_of)
    SELECT
        shop_id, as_of, customer_id,
        date_diff('day', min(event_date), as_of) AS tenure_days,
        CAST(sum(events) AS BIGINT) AS events,
        CAST(coalesce(sum(events) FILTER (event_date >= as_of - 30), 0) AS BIGINT) AS events_30d,
        CAST(coalesce(sum(orders_placed) FILTER (event_date >= as_of - 90), 0) AS BIGINT) AS orders_placed_90d,
        CAST(coalesce(sum(net_revenue_minor) FILTER (event_date >= as_of - 90), 0) AS BIGINT) AS net_revenue_minor_90d,
        CAST(sum(orders_placed) AS BIGINT) AS orders_placed,
        count(*) FILTER (orders_placed > 0) AS order_days,
        date_diff('day', min(event_date) FILTER (orders_placed > 0), as_of) AS days_since_first_order,
        date_diff('day', max(event_date) FILTER (orders_placed > 0), as_of) AS days_since_last_order,
        CAST(sum(gross_minor) AS BIGINT) AS gross_minor,
        CAST(sum(gross_minor) - sum(coalesce(refund_minor, 0)) AS BIGINT) AS net_revenue_minor,
        sum(gross_minor) / nullif(sum(orders_placed - orders_of_unknown_value), 0) AS mean_order_value_minor
    FROM days GROUP BY shop_id, as_of, customer_id
"""


def made_up_days(
    customers: int = 900,
    visitors: int = 120,
    seed: int = 11,
    shop_id: str = "shop",
    begin: dt.date = BEGIN,
    end: dt.date = AS_OF + dt.timedelta(days=120),
    name: str = "c{:05d}",
) -> pd.DataFrame:
    """Days of ``customers`` who buy (some once), and of ``visitors`` who only look, from ``begin`` to ``end``.

    Whoever buys often looks often; one order in fifteen is taken back a week later.
    """
    generator = np.random.default_rng(seed)
    length = (end - begin).days
    first = generator.integers(0, int(length * 0.6), customers)
    rate = generator.gamma(0.9, 1 / 50, customers)
    life = generator.exponential(1 / generator.gamma(2.0, 1 / 600, customers))
    worth = generator.gamma(5, 1 / generator.gamma(4, 1 / 2500, customers)) * 5
    gaps = generator.exponential(1 / rate[:, None], (customers, 60))
    at = np.concatenate([np.zeros((customers, 1)), np.cumsum(gaps, axis=1)], axis=1)
    alive = (at <= life[:, None]) & (first[:, None] + at < length)
    who, _ = np.nonzero(alive)
    frame = pd.DataFrame({"who": who, "day": (first[who] + at[alive]).astype(int)})
    frame = frame.groupby(["who", "day"], as_index=False).size().rename(columns={"size": "orders_placed"})
    amount = generator.gamma(5.0 * frame["orders_placed"]) / 5 * worth[frame["who"]]
    frame["gross_minor"] = np.maximum(amount.round(), 1).astype("int64")
    frame["refund_minor"] = 0
    frame["events"] = 3
    back = frame[generator.random(len(frame)) < 1 / 15]
    back = back.assign(refund_minor=back["gross_minor"], gross_minor=0, orders_placed=0, events=0, day=back["day"] + 7)
    looks = np.repeat(np.arange(customers + visitors), generator.poisson(4, customers + visitors) + 1)
    looking = pd.DataFrame({"who": looks, "day": generator.integers(0, length, len(looks)), "events": 2})
    looking = looking.assign(orders_placed=0, gross_minor=0, refund_minor=0)
    days = pd.concat([frame, back, looking]).groupby(["who", "day"], as_index=False).sum()
    days = days[days["day"] < length]
    return pd.DataFrame(
        {
            "shop_id": shop_id,
            "event_date": pd.Timestamp(begin) + pd.to_timedelta(days["day"].to_numpy(), unit="D"),
            "customer_id": [name.format(number) for number in days["who"]],
            "events": days["events"].to_numpy(),
            "orders_placed": days["orders_placed"].to_numpy(),
            "orders_of_unknown_value": 0,
            "gross_minor": days["gross_minor"].to_numpy(),
            "refund_minor": days["refund_minor"].to_numpy(),
        }
    )


def warehouse_of(days: pd.DataFrame, as_of: dt.date = AS_OF) -> duckdb.DuckDBPyConnection:
    """A connection to a warehouse with the schema ``features`` over ``days``; ``shop`` is paid in euros, of others it
    is not known."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(DAYS)
    connection.execute(FEATURES)
    connection.register("days", days)
    connection.execute(
        "INSERT INTO features.feat_customer_days SELECT shop_id, CAST(event_date AS DATE), customer_id, events, "
        "orders_placed, orders_of_unknown_value, gross_minor, refund_minor, gross_minor - coalesce(refund_minor, 0) "
        "FROM days"
    )
    connection.execute("INSERT INTO features.feat_as_of_dates SELECT DISTINCT shop_id, ? FROM days", [as_of])
    connection.unregister("days")
    connection.execute("CREATE SCHEMA staging")
    connection.execute(
        "CREATE TABLE staging.stg_shops AS "
        "SELECT DISTINCT shop_id, CASE shop_id WHEN 'shop' THEN 'EUR' END AS currency FROM features.feat_customer_days"
    )
    return connection

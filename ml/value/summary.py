"""From days with orders to the histories that the buy-till-you-die models learn from, in SQL.

A purchase is a day with an order: several orders of one day are one decision to buy.
"""

from __future__ import annotations

import datetime as dt

import duckdb
import pandas as pd

#: Columns of what :func:`summarise` gives; key shop_id, customer_id.
SUMMARY_COLUMNS = (
    "shop_id",
    "customer_id",
    "frequency",
    "recency",
    "T",
    "purchases_of_known_amount",
    "mean_amount",
    "repeats_of_known_amount",
    "mean_repeat_amount",
)

_ORDER_DAYS = """
    SELECT shop_id, customer_id, event_date AS order_date, {amount} AS amount
    FROM features.feat_customer_days
    WHERE orders_placed > 0
"""

_SUMMARY = """
    WITH days AS (
        SELECT
            shop_id, customer_id, CAST(order_date AS DATE) AS order_date,
            -- one purchase a day; its amount is unknown where any part of it is
            CASE WHEN count(amount) = count(*) THEN CAST(sum(amount) AS DOUBLE) END AS amount
        FROM order_days
        WHERE CAST(order_date AS DATE) < DATE '{as_of}'
        GROUP BY ALL
    ),
    numbered AS (
        SELECT *, min(order_date) OVER (PARTITION BY shop_id, customer_id) AS first_date FROM days
    )
    SELECT
        shop_id,
        customer_id,
        count(*) - 1 AS frequency,
        date_diff('day', min(order_date), max(order_date)) AS recency,
        date_diff('day', min(order_date), DATE '{as_of}') - 1 AS T,
        count(amount) AS purchases_of_known_amount,
        avg(amount) AS mean_amount,
        count(amount) FILTER (WHERE order_date > first_date) AS repeats_of_known_amount,
        avg(amount) FILTER (WHERE order_date > first_date) AS mean_repeat_amount
    FROM numbered
    GROUP BY shop_id, customer_id
    ORDER BY shop_id, customer_id
"""


def order_days(connection: duckdb.DuckDBPyConnection, amount: str = "gross_minor") -> duckdb.DuckDBPyRelation:
    """Days with orders of the warehouse: shop_id, customer_id, order_date, amount.

    ``amount`` : ``gross_minor`` (worth of the day's orders) or ``net_revenue_minor`` (less what was taken back
    that day), minor units of the shop's currency, null when unknown. Raises ``ValueError`` for another.
    """
    if amount not in ("gross_minor", "net_revenue_minor"):
        raise ValueError(f"order_days.amount: expected gross_minor or net_revenue_minor, got {amount}")
    return connection.sql(_ORDER_DAYS.format(amount=amount))


def summarise(orders: duckdb.DuckDBPyRelation, as_of: dt.date) -> pd.DataFrame:
    """Each customer's history as known before ``as_of``; one row a customer who bought by then.

    Parameters
    ----------
    orders : ``shop_id, customer_id, order_date, amount`` (null when unknown), any number of rows a day.
    as_of : the cut; days from it on are not read.

    Returns
    -------
    ``SUMMARY_COLUMNS``, sorted by key: ``frequency`` (repeat purchases), ``recency`` (days from the first to
    the last purchase), ``T`` (days from the first purchase to the day before ``as_of``, which is the last one
    watched), and counts and means of known amounts, of all purchases and of those after the first.
    """
    return query_order_days(orders, _SUMMARY.format(as_of=as_of.isoformat()))[list(SUMMARY_COLUMNS)]


def query_order_days(orders: duckdb.DuckDBPyRelation, query: str) -> pd.DataFrame:
    """The answer of a SELECT that reads ``orders`` under the name ``order_days``."""
    answer = orders.query("order_days", query)
    assert answer is not None, "a SELECT has an answer"
    return answer.df()

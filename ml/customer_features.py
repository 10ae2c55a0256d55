"""Where customers' features of a day are read from: worked out already for some days, by the table macro for any other.

Both have the same SQL behind them, so the rows are the same; the ready ones cost a twentieth.
"""

from __future__ import annotations

import datetime as dt

import duckdb

from ml.write_table import table_exists

_READY, _DATES = ("features", "feat_customers"), ("features", "feat_as_of_dates")


def features_on(connection: duckdb.DuckDBPyConnection, shop_id: str, day: dt.date) -> str:
    """SQL of the features of all customers on ``day``, to be read FROM; its named parameter ``$day`` is the day.

    The shop's rows are all there, and perhaps those of other shops.
    """
    if table_exists(connection, _READY) and table_exists(connection, _DATES):
        ready = connection.execute(
            "SELECT 1 FROM features.feat_as_of_dates WHERE shop_id = ? AND as_of = ?", [shop_id, day]
        ).fetchone()
        if ready:
            return "(SELECT * FROM features.feat_customers WHERE as_of = CAST($day AS DATE))"
    return "features.customer_features(CAST($day AS DATE))"

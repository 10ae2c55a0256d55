"""What was known of a shop's customers at a day, and what came in the H days after: all that models may see.

A *cut* is a day with the features of that day (strictly before it) and the outcomes of ``[day, day + H)``. Cuts
lie H days apart, so that no outcome is counted in two of them and what is learned at one has happened
before the next is predicted.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from ml.customer_features import features_on
from ml.evaluation.enough import NotEnoughData
from ml.value.histories import Floats

#: A cut with fewer buyers teaches nothing about spending.
FEWEST_BUYERS = 50
#: One cut to learn from, one to test on.
FEWEST_CUTS = 2
#: Cuts with outcomes that are read at most: older customers behaved otherwise.
MOST_CUTS = 3

#: Outcomes of a cut: orders (days with one) and net spend (minor units, null when unknown).
ORDERS, VALUE = "next_orders", "next_value_minor"

_FEATURES = "SELECT * FROM {features} WHERE shop_id = $shop ORDER BY customer_id"

_OUTCOMES = """
    SELECT
        customer_id,
        count(*) FILTER (WHERE orders_placed > 0) AS next_orders,
        CASE
            WHEN coalesce(sum(orders_of_unknown_value), 0) = 0
            THEN CAST(coalesce(sum(gross_minor), 0) - coalesce(sum(refund_minor), 0) AS DOUBLE)
        END AS next_value_minor
    FROM features.feat_customer_days
    WHERE shop_id = $shop AND event_date >= $begin AND event_date < $end
    GROUP BY customer_id
"""


@dataclass(frozen=True)
class Cut:
    """One day's customers, one row each, sorted: ``features`` as ``features.customer_features`` has them, with
    the columns ``ORDERS`` and ``VALUE`` where the outcome is known."""

    as_of: dt.date
    horizon_days: int
    features: pd.DataFrame

    def outcome(self, target: str) -> Floats:
        """Column ``target`` as floats, shape ``(n,)``, NaN where unknown."""
        return self.features[target].to_numpy(dtype=float, na_value=np.nan)


@dataclass(frozen=True)
class ShopHistory:
    """A shop as its value models see it: customers ``now`` (at ``as_of``, no outcome yet), earlier ``cuts``
    with outcomes, newest first, and all days with orders before ``as_of`` for tracking (shop_id, customer_id,
    order_date). ``currency`` is that of all amounts, or None."""

    shop_id: str
    as_of: dt.date
    horizon_days: int
    currency: str | None
    now: Cut
    cuts: tuple[Cut, ...]
    order_days: pd.DataFrame


def read_history(
    connection: duckdb.DuckDBPyConnection,
    shop_id: str,
    as_of: dt.date,
    horizon_days: int = 90,
    currency: str | None = None,
) -> ShopHistory:
    """Read a shop's history from the warehouse's schema ``features``; nothing dated ``as_of`` or later is read.

    Raises ``NotEnoughData`` where there are no customers, or fewer than ``FEWEST_CUTS`` cuts with
    ``FEWEST_BUYERS`` earlier buyers; ``ValueError`` for a horizon below one day.
    """
    if horizon_days < 1:
        raise ValueError(f"horizon_days: expected 1 or more, got {horizon_days}")
    now = Cut(as_of, horizon_days, _features(connection, shop_id, as_of))
    if now.features.empty:
        raise NotEnoughData("customer value", "customers", f"none known before {as_of}")
    cuts: list[Cut] = []
    for step in range(1, MOST_CUTS + 1):
        day = as_of - dt.timedelta(days=step * horizon_days)
        features = _features(connection, shop_id, day)
        buyers = int((features["order_days"] > 0).sum())
        if buyers < FEWEST_BUYERS:
            break
        end = day + dt.timedelta(days=horizon_days)
        outcomes = connection.execute(_OUTCOMES, {"shop": shop_id, "begin": day, "end": end}).df()
        cuts.append(Cut(day, horizon_days, _with_outcomes(features, outcomes)))
    if len(cuts) < FEWEST_CUTS:
        raise NotEnoughData("customer value", f"{FEWEST_BUYERS} customers who had bought before {day}", str(buyers))
    days = connection.execute(
        "SELECT shop_id, customer_id, event_date AS order_date FROM features.feat_customer_days "
        "WHERE shop_id = ? AND orders_placed > 0 AND event_date < ? ORDER BY ALL",
        [shop_id, as_of],
    ).df()
    return ShopHistory(shop_id, as_of, horizon_days, currency, now, tuple(cuts), days)


def _features(connection: duckdb.DuckDBPyConnection, shop_id: str, day: dt.date) -> pd.DataFrame:
    sql = _FEATURES.format(features=features_on(connection, shop_id, day))
    return connection.execute(sql, {"shop": shop_id, "day": day}).df()


def _with_outcomes(features: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Customers without a row in ``outcomes`` bought nothing: 0, where an unknown worth stays unknown."""
    found = features[["customer_id"]].merge(outcomes, on="customer_id", how="left", indicator=True)
    absent = (found["_merge"] == "left_only").to_numpy()
    return features.assign(
        **{
            ORDERS: np.where(absent, 0.0, found[ORDERS].to_numpy(dtype=float, na_value=np.nan)),
            VALUE: np.where(absent, 0.0, found[VALUE].to_numpy(dtype=float, na_value=np.nan)),
        }
    )

"""Customers as they were known on a day, and what they did in the days after it, from the warehouse.

Both come from table macros that read only what is dated before their date, and only what lies in the horizon,
so no feature of an origin can know its outcome.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd

from ml.customer_features import features_on
from ml.evaluation.enough import NotEnoughData
from ml.evaluation.origins import Origin
from ml.outcomes.features import with_derived

#: Dates to learn from; older ones tell of another shop.
MOST_ORIGINS = 12
#: Customers read of one date to learn from; training samples again, and memory must not grow with the shop.
ORIGIN_ROWS = 25_000
#: Days of history before the first date: with fewer, hardly anything is known of anybody.
_FIRST_DAYS = 7
_STEP_DAYS = 30
_FEWEST_ORIGINS = 6

_SPAN = """
SELECT min(days.event_date) FILTER (days.orders_placed > 0), max(newest.as_of)
FROM features.feat_customer_days AS days
JOIN (SELECT shop_id, max(as_of) AS as_of FROM features.feat_as_of_dates GROUP BY shop_id) AS newest
    ON newest.shop_id = days.shop_id
WHERE days.shop_id = ?
"""
# The sample is by a hash of customer and date: the same rows again tomorrow, others on another date. Where it ends is
# found among names alone, so that features are worked out for those in it and not for everyone.
_LAST_OF_SAMPLE = """
SELECT max(drawn) FROM (
    SELECT md5(customer_id || CAST($day AS VARCHAR)) AS drawn
    FROM (
        SELECT DISTINCT customer_id FROM features.feat_customer_days
        WHERE shop_id = $shop AND orders_placed > 0 AND event_date < $day
    )
    ORDER BY drawn
    LIMIT $most
)
"""
_ORIGIN = """
WITH known AS (
    SELECT *
    FROM {features}
    WHERE shop_id = $shop AND orders_placed > 0 AND md5(customer_id || CAST($day AS VARCHAR)) <= $last
),
after AS (
    SELECT *
    FROM features.customer_outcomes($day, $horizon)
    WHERE md5(customer_id || CAST($day AS VARCHAR)) <= $last
)
SELECT known.*, outcome.orders_placed AS orders_after
FROM known
JOIN after AS outcome ON outcome.shop_id = known.shop_id AND outcome.customer_id = known.customer_id
WHERE outcome.is_complete
ORDER BY known.customer_id
"""
_CUSTOMERS = "SELECT * FROM {features} WHERE shop_id = $shop AND orders_placed > 0 ORDER BY customer_id"


class Span(NamedTuple):
    """``first_order`` of the shop, and ``known_until``: the day after its newest day."""

    first_order: dt.date
    known_until: dt.date


def shop_span(connection: duckdb.DuckDBPyConnection, shop_id: str) -> Span:
    """The days that the warehouse knows of a shop; raises ``NotEnoughData`` where no customer ever ordered."""
    row = connection.execute(_SPAN, [shop_id]).fetchone()
    if row is None or row[0] is None:
        raise NotEnoughData("customers who ordered", "at least one order of a known customer", "none")
    return Span(row[0], row[1])


def origin_dates(span: Span, horizon_days: int) -> list[dt.date]:
    """Dates whose outcome is known on ``span.known_until``, oldest first, at most ``MOST_ORIGINS``.

    They step back from the newest possible one by about a month, in parts of the horizon so that outcomes
    of one end where the next test begins; by less in a young shop. Empty where history is too short.
    """
    newest = span.known_until - dt.timedelta(days=horizon_days)
    days = (newest - span.first_order).days - _FIRST_DAYS
    if days < 0:
        return []
    step = _step(horizon_days)
    while days // step + 1 < _FEWEST_ORIGINS and step > 7:
        step = max(7, step // 2)
    count = min(MOST_ORIGINS, days // step + 1)
    return [newest - dt.timedelta(days=step * back) for back in reversed(range(count))]


def read_origins(
    connection: duckdb.DuckDBPyConnection, shop_id: str, span: Span, horizon_days: int, *, happens_on_order: bool
) -> list[Origin]:
    """Every date of :func:`origin_dates` with its customers who had ordered before it, and their outcome.

    ``y`` is 1 for who orders in the ``horizon_days`` from the date on where ``happens_on_order``, else for
    who does not. Raises ``NotEnoughData`` where history has room for no date at all.
    """
    dates = origin_dates(span, horizon_days)
    if not dates:
        days = (span.known_until - span.first_order).days
        raise NotEnoughData("history", f"at least {_FIRST_DAYS + horizon_days} days since the first order", f"{days}")
    return [read_origin(connection, shop_id, day, horizon_days, happens_on_order=happens_on_order) for day in dates]


def read_origin(
    connection: duckdb.DuckDBPyConnection,
    shop_id: str,
    as_of: dt.date,
    horizon_days: int,
    *,
    happens_on_order: bool,
    most_rows: int = ORIGIN_ROWS,
) -> Origin:
    """One date of a back-test; a sample of ``most_rows`` customers in a large shop."""
    sample = {"shop": shop_id, "day": as_of, "most": most_rows}
    last = connection.execute(_LAST_OF_SAMPLE, sample).fetchone()
    # Where nobody had ordered there is none, which no hash comes before.
    asked = {"shop": shop_id, "day": as_of, "last": last[0] if last else None, "horizon": horizon_days}
    sql = _ORIGIN.format(features=features_on(connection, shop_id, as_of))
    frame = connection.execute(sql, asked).df()
    ordered = frame.pop("orders_after").to_numpy(dtype=float, na_value=0.0) > 0
    y = ordered if happens_on_order else ~ordered
    return Origin(as_of, with_derived(frame), y.astype(np.float64))


def read_customers(connection: duckdb.DuckDBPyConnection, shop_id: str, as_of: dt.date) -> pd.DataFrame:
    """Features on ``as_of`` of every customer who had ordered before it, a row each, by ``customer_id``.

    Raises ``NotEnoughData`` where there is nobody.
    """
    sql = _CUSTOMERS.format(features=features_on(connection, shop_id, as_of))
    frame = connection.execute(sql, {"shop": shop_id, "day": as_of}).df()
    if frame.empty:
        raise NotEnoughData("customers to score", f"at least one who ordered before {as_of}", "none")
    return with_derived(frame)


def _step(horizon_days: int) -> int:
    if horizon_days >= _STEP_DAYS:
        return horizon_days // max(1, horizon_days // _STEP_DAYS)
    return horizon_days * (_STEP_DAYS // horizon_days)

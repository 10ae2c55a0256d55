"""A warehouse with a shop of many customers and no events: ``python -m benchmarks.customer_shop <home> <customers>``.

What models read stands on two tables of facts, ``features.feat_customer_days`` and ``marts.fct_orders``. They are
filled here with customers of five kinds, each with a rate of visits, a taste for buying and for discounts, and a life
whose end shows before it comes (visits thin out, carts are left). All that lies between them and the models is dbt's
own: ``feat_as_of_dates``, ``feat_customers`` with its macros for any date, and ``customer_rfm`` are built from them as
in a run. The same arguments give the same shop.
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

SHOP, CURRENCY = "bench", "EUR"
#: The shop's first day, and how many days of it are known.
BEGIN, DAYS = date(2024, 7, 1), 540
#: The models between the facts and what the benchmark calls.
_MODELS = "feat_as_of_dates feat_customers customer_rfm"
_CHUNK = 50_000
_MOST_VISITS = 80
#: Per kind: visits a day, share of carts that are bought, worth of an order, share of orders with a discount.
_KINDS = np.array(
    [
        [0.02, 0.35, 2_500, 0.1],
        [0.05, 0.25, 9_000, 0.5],
        [0.08, 0.45, 4_000, 0.2],
        [0.16, 0.30, 5_000, 0.1],
        [0.05, 0.60, 15_000, 0.05],
    ]
)
#: Days before the end of a customer's life in which half of the visits stay away and most carts are left.
_FADING_DAYS = 45

_CUSTOMER_DAYS = """
INSERT INTO features.feat_customer_days BY NAME
SELECT
    '{shop}' AS shop_id,
    DATE '{begin}' + CAST(day AS INTEGER) AS event_date,
    printf('c%07d', who) AS customer_id,
    max(CAST(events > 0 AS BIGINT)) AS visitors,
    CAST(sum(events - product_views - cart_adds - checkouts - orders_placed) AS BIGINT) AS page_views,
    0 AS searches,
    0 AS wishlist_adds,
    max(CAST(events > 0 AS BIGINT)) AS active_hours,
    0 AS orders_cancelled,
    0 AS orders_of_unknown_value,
    CAST(sum(gross) AS BIGINT) AS gross_minor,
    CAST(sum(refund) AS BIGINT) AS refund_minor,
    CAST(sum(gross) - coalesce(sum(refund), 0) AS BIGINT) AS net_revenue_minor,
    CAST(sum(orders_placed) AS BIGINT) AS units,
    {sums}
FROM visits
GROUP BY who, day
"""
_SUMMED = (
    "sessions",
    "visit_seconds",
    "events",
    "product_views",
    "cart_adds",
    "checkouts",
    "orders_placed",
    "orders_discounted",
)
_ORDERS = """
INSERT INTO marts.fct_orders BY NAME
SELECT
    shop_id, customer_id || '-' || CAST(event_date AS VARCHAR) AS order_id, event_date AS order_date,
    CAST(event_date AS TIMESTAMP) AS ordered_at, 'completed' AS status, true AS has_purchase, customer_id,
    '{currency}' AS currency, gross_minor AS revenue_minor, gross_minor AS net_revenue_minor
FROM features.feat_customer_days
WHERE orders_placed > 0;
INSERT INTO intermediate.int_visitor_category_days BY NAME
SELECT
    shop_id, event_date, customer_id AS visitor_id, customer_id, product_views AS views, cart_adds, 0 AS favourites,
    'category ' || CAST(hash(customer_id) % 40 + hash(event_date, customer_id) % 3 AS VARCHAR) AS item_category,
    'brand ' || CAST(hash(customer_id, 1) % 60 + hash(event_date) % 2 AS VARCHAR) AS item_brand
FROM features.feat_customer_days
WHERE events > 0;
INSERT INTO marts.agg_kpis_daily BY NAME
SELECT shop_id, event_date AS kpi_date, '{currency}' AS currency
FROM features.feat_customer_days GROUP BY shop_id, event_date;
INSERT INTO marts.audit_arrival_days BY NAME
SELECT shop_id, event_date AS arrival_date FROM features.feat_customer_days GROUP BY shop_id, event_date;
"""


def build(home: Path, customers: int, seed: int = 7) -> None:
    """Make the warehouse of ``home`` (an empty folder): a shop of ``customers`` who ordered at least once each."""
    from benchmarks.footfall_path import dbt
    from ingestion.lake import Lake
    from ingestion.load import connect
    from ingestion.shops import Shop

    lake = Lake(home / "lake")
    with connect(lake) as connection, lake.lock():
        lake.register_shop(connection, Shop(SHOP, "UTC", CURRENCY))
    dbt(home, "seed")
    # On no events: every table that the models stand on is there, and empty.
    dbt(home, "run", "--select", *(f"+{name}" for name in _MODELS.split()))
    generator = np.random.default_rng(seed)
    with duckdb.connect(home / "warehouse.duckdb") as connection:
        sums = ", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in _SUMMED)
        for first in range(0, customers, _CHUNK):
            connection.register("visits", visits(generator, first, min(_CHUNK, customers - first)))
            connection.execute(_CUSTOMER_DAYS.format(shop=SHOP, begin=BEGIN, sums=sums))
            connection.unregister("visits")
        connection.execute(_ORDERS.format(currency=CURRENCY))
    dbt(home, "run", "--select", *_MODELS.split())


def visits(generator: np.random.Generator, first: int, customers: int) -> pd.DataFrame:
    """Visits (and days on which money went back) of ``customers`` numbered from ``first``, a row each.

    ``gross`` and ``refund`` are minor units, NaN where there is no order, or nothing went back.
    """
    kind = generator.integers(0, len(_KINDS), customers)
    rate, buys, worth, waits = _KINDS[kind].T
    rate = rate * generator.gamma(2, 1 / 2, customers)
    worth = worth * generator.lognormal(0, 0.5, customers)
    joined = generator.integers(0, DAYS - 20, customers)
    life = generator.exponential(300, customers) * generator.gamma(3, 1 / 3, customers)
    gaps = generator.exponential(1 / np.maximum(rate, 1e-3)[:, None], (customers, _MOST_VISITS))
    at = np.concatenate([np.zeros((customers, 1)), np.cumsum(gaps, axis=1)], axis=1)
    fading = life[:, None] - at < _FADING_DAYS
    comes = (at <= life[:, None]) & (joined[:, None] + at < DAYS)
    comes &= ~fading | (generator.random(at.shape) < 0.5)
    comes[:, 0] = True
    who, visit = np.nonzero(comes)
    n = len(who)
    begins = visit == 0
    interest = generator.gamma(2, 1.5, n)
    cart = generator.random(n) < interest / (interest + 4)
    ordered = begins | (cart & (generator.random(n) < buys[who] * np.where(fading[who, visit], 0.3, 1.2)))
    cart |= ordered
    sessions = 1 + generator.poisson(0.2, n)
    views = generator.poisson(interest)
    carts = cart * (1 + generator.poisson(0.4, n))
    pages = sessions + generator.poisson(2, n)
    spent = np.round(worth[who] * generator.lognormal(0, 0.4, n)) + 1
    rows = pd.DataFrame(
        {
            "who": first + who,
            "day": joined[who] + np.floor(at[who, visit]),
            "sessions": sessions,
            "visit_seconds": np.round(sessions * (views + 1) * generator.lognormal(3.5, 0.5, n)),
            "product_views": views,
            "cart_adds": carts,
            "checkouts": ordered.astype(int),
            "orders_placed": ordered.astype(int),
            "orders_discounted": (ordered & (generator.random(n) < waits[who])).astype(int),
            "events": pages + views + carts + 2 * ordered,
            "gross": np.where(ordered, spent, np.nan),
            "refund": np.nan,
        }
    )
    back = rows[ordered & (generator.random(n) < 0.06)]
    returned = pd.DataFrame(0, index=back.index, columns=rows.columns).assign(
        who=back["who"], day=back["day"] + 7, gross=0.0, refund=back["gross"]
    )
    return pd.concat([rows, returned[returned["day"] < DAYS]], ignore_index=True)


def known_until() -> date:
    """The day after the shop's newest: what models score on."""
    return BEGIN + timedelta(days=DAYS)


if __name__ == "__main__":
    build(Path(sys.argv[1]), int(sys.argv[2]))

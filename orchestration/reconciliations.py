"""The questions that the checks on the warehouse ask: each a query whose every row is a fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

#: Faults spelled out in a message.
_SHOWN = 5


@dataclass(frozen=True)
class Reconciliation:
    """One question. Each row that ``query`` returns is a fault, worded by ``words`` (one argument per
    column); ``holds`` is said when there is none; ``where`` tells the reader where to look."""

    name: str
    asset: tuple[str, ...]
    description: str
    query: str
    words: Callable[..., str]
    holds: str
    where: str
    more_assets: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The answer, in words and in numbers."""

    passed: bool
    words: str
    faults: int


def examine(connection: duckdb.DuckDBPyConnection, question: Reconciliation) -> Verdict:
    """Ask ``question`` of the warehouse. ``duckdb.Error`` where a table is missing."""
    rows: list[tuple[Any, ...]] = connection.execute(question.query).fetchall()
    if not rows:
        return Verdict(True, question.holds, 0)
    lines = [f"- {question.words(*row)}" for row in rows[:_SHOWN]]
    if len(rows) > _SHOWN:
        lines.append(f"- and {len(rows) - _SHOWN} more")
    return Verdict(False, "\n".join([f"{question.description} It does not hold:", *lines, question.where]), len(rows))


def minor(value: int | Decimal | None, currency: str | None = None) -> str:
    """An amount of minor units for a message: '12,345 minor units of EUR', 'nothing' for None."""
    if value is None:
        return "nothing"
    return f"{int(value):,} minor units" + (f" of {currency}" if currency else "")


MOVEMENTS_MAKE_ORDERS = Reconciliation(
    name="movements_add_up_to_orders",
    asset=("marts", "fct_orders"),
    description="What purchases brought in and refunds gave back is the orders' net revenue, by shop and currency.",
    query="""
        WITH orders AS (
            SELECT shop_id, currency, sum(net_revenue_minor)::HUGEINT AS minor
            FROM marts.fct_orders WHERE net_revenue_minor IS NOT NULL GROUP BY ALL
        ),
        movements AS (
            SELECT moved.shop_id, orders.currency, sum(moved.amount_minor)::HUGEINT AS minor
            FROM intermediate.int_order_movements AS moved
            LEFT JOIN marts.fct_orders AS orders
                ON orders.shop_id = moved.shop_id AND orders.order_id = moved.order_id
            WHERE orders.order_id IS NULL OR orders.net_revenue_minor IS NOT NULL
            GROUP BY ALL
        )
        SELECT shop_id, currency, orders.minor, movements.minor
        FROM orders FULL JOIN movements USING (shop_id, currency)
        WHERE coalesce(orders.minor, 0) <> coalesce(movements.minor, 0)
        ORDER BY shop_id, currency
    """,
    words=lambda shop, currency, orders, moved: (
        f"shop {shop}: orders say {minor(orders, currency)}, their movements {minor(moved, currency)}; "
        f"{minor(abs(int(orders or 0) - int(moved or 0)))} apart"
    ),
    holds="Movements and orders agree in every shop and currency.",
    where="Compare marts.fct_orders with intermediate.int_order_movements by order_id.",
    more_assets=(("intermediate", "int_order_movements"),),
)

KPIS_MAKE_ORDERS = Reconciliation(
    name="daily_revenue_adds_up_to_orders",
    asset=("marts", "agg_kpis_daily"),
    description="The days' net revenue adds up to the orders' net revenue in the shop's currency.",
    query="""
        WITH days AS (
            SELECT shop_id, sum(net_revenue_of_days_orders_minor)::HUGEINT AS minor, sum(orders)::HUGEINT AS orders
            FROM marts.agg_kpis_daily GROUP BY shop_id
        ),
        placed AS (
            SELECT
                orders.shop_id,
                sum(CASE WHEN orders.currency = shops.currency THEN net_revenue_minor END)::HUGEINT AS minor,
                count(*)::HUGEINT AS orders
            FROM marts.fct_orders AS orders
            JOIN staging.stg_shops AS shops USING (shop_id)
            WHERE orders.has_purchase GROUP BY orders.shop_id
        )
        SELECT shop_id, days.minor, placed.minor, days.orders, placed.orders
        FROM days FULL JOIN placed USING (shop_id)
        WHERE coalesce(days.minor, 0) <> coalesce(placed.minor, 0)
            OR coalesce(days.orders, 0) <> coalesce(placed.orders, 0)
        ORDER BY shop_id
    """,
    words=lambda shop, days, placed, day_orders, orders: (
        f"shop {shop}: the days hold {int(day_orders or 0):,} orders worth {minor(days)}, "
        f"marts.fct_orders {int(orders or 0):,} worth {minor(placed)}"
    ),
    holds="Daily figures and orders agree in every shop.",
    where="Compare marts.agg_kpis_daily with marts.fct_orders by order_date.",
    more_assets=(("marts", "fct_orders"),),
)

SESSIONS_ACCOUNT_FOR_EVENTS = Reconciliation(
    name="sessions_account_for_events",
    asset=("marts", "audit_events_daily"),
    description="Every event is in a session, has no visitor, or lies past the 24-hour cap; none is in two sessions.",
    query="""
        WITH audited AS (
            SELECT shop_id, sum(events_in_session)::HUGEINT AS events, min(events_past_session_cap) AS past_cap
            FROM marts.audit_events_daily GROUP BY shop_id
        ),
        sessions AS (SELECT shop_id, sum(events)::HUGEINT AS events FROM marts.fct_sessions GROUP BY shop_id)
        SELECT shop_id, audited.events, sessions.events, audited.past_cap
        FROM audited FULL JOIN sessions USING (shop_id)
        WHERE coalesce(audited.events, 0) <> coalesce(sessions.events, 0) OR audited.past_cap < 0
        ORDER BY shop_id
    """,
    words=lambda shop, audited, sessions, past: (
        f"shop {shop}: sessions hold {int(sessions or 0):,} events, the audit counts {int(audited or 0):,} in sessions"
        + (f"; on some day {-int(past):,} events are in more than one session" if past is not None and past < 0 else "")
    ),
    holds="Every event is accounted for.",
    where="Compare marts.audit_events_daily with marts.fct_sessions by day.",
    more_assets=(("marts", "fct_sessions"),),
)

SEGMENTS_COVER_CUSTOMERS = Reconciliation(
    name="segments_cover_customers",
    asset=("ml", "customer_segments"),
    description="Every customer of customer_rfm has exactly one segment, and nobody else has.",
    query="""
        SELECT coalesce(rfm.shop_id, segments.shop_id) AS shop_id,
            count(*) FILTER (segments.customer_id IS NULL) AS without_segment,
            count(*) FILTER (rfm.customer_id IS NULL) AS without_rfm,
            count(*) - count(DISTINCT (coalesce(rfm.customer_id, segments.customer_id))) AS twice
        FROM marts.customer_rfm AS rfm
        FULL JOIN ml.customer_segments AS segments
            ON segments.shop_id = rfm.shop_id AND segments.customer_id = rfm.customer_id AND segments.as_of = rfm.as_of
        GROUP BY ALL
        HAVING without_segment > 0 OR without_rfm > 0 OR twice > 0
        ORDER BY shop_id
    """,
    words=lambda shop, without, extra, twice: (
        f"shop {shop}: {without:,} customers without a segment, {extra:,} segments without a customer, {twice:,} twice"
    ),
    holds="Every customer has one segment.",
    where="Compare ml.customer_segments with marts.customer_rfm by customer_id and as_of.",
    more_assets=(("marts", "customer_rfm"),),
)

RECONCILIATIONS = (
    MOVEMENTS_MAKE_ORDERS,
    KPIS_MAKE_ORDERS,
    SESSIONS_ACCOUNT_FOR_EVENTS,
    SEGMENTS_COVER_CUSTOMERS,
)

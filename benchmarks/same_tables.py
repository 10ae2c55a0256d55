"""Whether Footfall's warehouse and the hand-written one hold the same rows.

    python -m benchmarks.same_tables <footfall's database> <hand-written database>

Left out on Footfall's side is what this log does not know (money, places, channels: null), constants
(shop, currency), the visitor id (``customer:`` and the customer) and the hashed event and line ids, which
the hand-written tables do without. Session and order ids are compared.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb

from ingestion.expressions import quote_literal

#: Table by table: Footfall's rows and the hand-written ones, in the same columns.
_PAIRS = {
    "events": (
        """SELECT customer_id::INTEGER, event_ts, event_date, arrival_date, item_id::INTEGER, item_category::INTEGER,
                  CASE event_name WHEN 'view_item' THEN 'pv' WHEN 'add_to_cart' THEN 'cart'
                                  WHEN 'add_to_wishlist' THEN 'fav' WHEN 'purchase' THEN 'buy' END
           FROM warehouse.intermediate.int_events""",
        """SELECT customer_id, event_ts, event_date, arrival_date, item_id, item_category, event_name::VARCHAR
           FROM hand.events""",
    ),
    "sessions": (
        """SELECT session_id, session_date, session_start_ts, session_end_ts, duration_ms, customer_id::INTEGER,
                  events, product_views, wishlist_adds, cart_adds, orders, is_bounce, is_bot
           FROM warehouse.marts.fct_sessions""",
        "FROM hand.sessions",
    ),
    "user days": (
        """SELECT event_date, customer_id::INTEGER, first_event_ts, last_event_ts, sessions, events, product_views,
                  wishlist_adds, cart_adds, tracked_orders, first_view_ts, active_hours, is_bot
           FROM warehouse.marts.agg_user_daily""",
        "FROM hand.user_days",
    ),
    "orders": (
        """SELECT order_id, order_date, ordered_at, customer_id::INTEGER, line_count, session_id
           FROM warehouse.marts.fct_orders""",
        "FROM hand.orders",
    ),
    "order lines": (
        """SELECT order_id, line_number, line_date, customer_id::INTEGER, item_id::INTEGER, item_category::INTEGER
           FROM warehouse.marts.fct_order_items""",
        "FROM hand.order_lines",
    ),
    "daily KPIs": (
        """SELECT kpi_date, visitors, sessions, events, orders, buyers
           FROM warehouse.marts.agg_kpis_daily""",
        "SELECT kpi_date, visitors, sessions, events, orders, buyers FROM hand.kpis_daily",
    ),
    "funnels": (
        """SELECT funnel_date, unit, dimension, dimension_value, units, views, carts, purchases, carts_any_order,
                  purchases_any_order, funnel_view_rate, funnel_view_to_cart_rate, previous_units, previous_views,
                  previous_carts, previous_purchases, previous_day_units, previous_day_views, previous_day_carts,
                  previous_day_purchases
           FROM warehouse.marts.agg_funnel_daily WHERE dimension IN ('all', 'category', 'visitor_type')""",
        "SELECT * EXCLUDE (purchases_rate) FROM hand.funnel_daily",
    ),
    "RFM": (
        """SELECT customer_id::INTEGER, as_of, last_order_date, recency_days, frequency, r_score, f_score, segment
           FROM warehouse.marts.customer_rfm""",
        "FROM hand.rfm",
    ),
}


def compare(footfall: Path, hand: Path) -> dict[str, int]:
    """Rows of each table when both databases agree; ``AssertionError`` names the tables that differ."""
    rows: dict[str, int] = {}
    wrong = []
    with duckdb.connect() as connection:
        # its views name it so, and read the lake by paths relative to it
        connection.execute(f"ATTACH {quote_literal(str(footfall))} AS warehouse (READ_ONLY)")
        connection.execute(f"SET file_search_path = {quote_literal(str(footfall.parent / 'lake'))}")
        connection.execute(f"ATTACH {quote_literal(str(hand))} AS hand (READ_ONLY)")
        for table, (ours, theirs) in _PAIRS.items():
            found = connection.execute(f"""
                SELECT (SELECT count(*) FROM ({ours})),
                       (SELECT count(*) FROM (({ours}) EXCEPT ALL ({theirs}))),
                       (SELECT count(*) FROM (({theirs}) EXCEPT ALL ({ours})))""").fetchone()
            assert found is not None
            rows[table], extra, missing = found
            if extra or missing or not rows[table]:
                wrong.append(f"{table}: {rows[table]} rows, {extra} only in Footfall, {missing} only hand-written")
    assert not wrong, "; ".join(wrong)
    return rows


def main() -> None:
    """Print the rows of each table as JSON; fails where they differ."""
    footfall, hand = sys.argv[1:]
    print(json.dumps(compare(Path(footfall), Path(hand))))


if __name__ == "__main__":
    main()

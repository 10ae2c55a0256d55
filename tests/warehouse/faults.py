"""One fault for every mart: which input is spoilt, how, and which of the mart's tests has to notice.

A fault is done to what a mart reads, never to the mart; the test that notices compares the mart with something
that the fault left alone, or with itself (the parts of a sum, the steps of a funnel).
"""

from __future__ import annotations

from dataclasses import dataclass

DAY = "(select max(event_date) - 3 from intermediate.int_visitor_days)"
#: An order that was bought and in the shop's own currency, whose worth is known.
ORDER = (
    "(select min(order_id) from marts.fct_orders inner join staging.stg_shops using (shop_id, currency) "
    "where has_purchase and revenue_minor > 0 and status = 'completed' and customer_id is not null)"
)


@dataclass(frozen=True)
class Fault:
    """A fault in one input of one mart; ``noticed_by`` is the generic test of the mart that fails."""

    mart: str
    spoilt: str
    deed: str
    sql: str
    noticed_by: str

    def __str__(self) -> str:
        return f"{self.mart}: {self.deed}"


def _twice(table: str, rows: str) -> str:
    return f"insert into {table} select * from {table} where {rows}"


FAULTS = [
    Fault(
        "fct_sessions",
        "intermediate.int_bot_days",
        "a program is found out twice on a day",
        _twice("intermediate.int_bot_days", "true"),
        "totals_match",
    ),
    Fault(
        "fct_orders",
        "intermediate.int_orders_placed",
        "an order is worth twice as much as was paid",
        f"update intermediate.int_orders_placed set value_minor = 2 * value_minor where order_id = {ORDER}",
        "adds_up_to_movements",
    ),
    Fault(
        "fct_order_items",
        "intermediate.int_orders_placed",
        "an order is lost, its lines find none",
        f"delete from intermediate.int_orders_placed where order_id = {ORDER}",
        "lines_are_all_there",
    ),
    Fault(
        "fct_carts",
        "intermediate.int_cart_steps",
        "what was put in a cart is lost",
        "delete from intermediate.int_cart_steps where step_kind = 1 "
        "and cart_id = (select min(cart_id) from intermediate.int_cart_steps)",
        "every_addition_is_in_one_cart",
    ),
    Fault(
        "dim_products",
        "staging.stg_product_versions",
        "the catalogue has two prices for one day",
        "insert into staging.stg_product_versions select * replace (price_minor + 100 as price_minor) "
        "from staging.stg_product_versions order by item_id, valid_from limit 1",
        "holds",
    ),
    Fault(
        "dim_customers",
        "staging.stg_users",
        "old versions of users are not left out",
        _twice("staging.stg_users", "customer_id in (select customer_id from marts.fct_orders)"),
        "adds_up_to",
    ),
    Fault(
        "dim_identities",
        "staging.stg_identity_overrides",
        "a decision that was taken back still counts beside the new one",
        "insert into staging.stg_identity_overrides (shop_id, anonymous_id, customer_id, action) "
        "select shop_id, anonymous_id, customer_id, unnest(['join', 'separate']) from marts.dim_identities "
        "where is_merged order by all limit 2",
        "adds_up_to",
    ),
    Fault(
        "agg_user_daily",
        "intermediate.int_visitor_days",
        "a day is lost",
        f"delete from intermediate.int_visitor_days where event_date = {DAY}",
        "totals_match",
    ),
    Fault(
        "agg_kpis_daily",
        "intermediate.int_order_movements",
        "refunds have the wrong sign",
        "update intermediate.int_order_movements set amount_minor = - amount_minor where movement_type <> 'purchase'",
        "refunds_add_up_to_orders",
    ),
    Fault(
        "agg_funnel_daily",
        "intermediate.int_visitor_funnels",
        "more carts than views on a day",
        f"update intermediate.int_visitor_funnels set carts = views + 1 where funnel_date = {DAY}",
        "holds",
    ),
    Fault(
        "agg_retention_cohorts",
        "marts.dim_identities",
        "a device belongs to two customers",
        "insert into marts.dim_identities select * replace ('another' as customer_id) from marts.dim_identities "
        "where is_merged and anonymous_id in (select visitor_id from marts.fct_orders)",
        "cohorts_hold_all_orders",
    ),
    Fault(
        "agg_activity_hourly",
        "intermediate.int_events",
        "a day's events are dated a day later",
        f"update intermediate.int_events set event_date = event_date + 1 where event_date = {DAY}",
        "hours_add_up_to_days",
    ),
    Fault(
        "agg_products_daily",
        "intermediate.int_item_days",
        "a day is there twice",
        _twice("intermediate.int_item_days", f"event_date = {DAY}"),
        "totals_match",
    ),
    Fault(
        "agg_categories_daily",
        "intermediate.int_cart_lines",
        "what was left in carts is worth ten times as much",
        "update intermediate.int_cart_lines set value_minor = 10 * value_minor where not is_bought",
        "totals_match",
    ),
    Fault(
        "agg_brands_daily",
        "intermediate.int_item_days",
        "a day is lost",
        f"delete from intermediate.int_item_days where event_date = {DAY}",
        "totals_match",
    ),
    Fault(
        "agg_regions_daily",
        "marts.fct_orders",
        "an order's net revenue is more than was left of it",
        f"update marts.fct_orders set net_revenue_minor = 2 * net_revenue_minor where order_id = {ORDER}",
        "holds",
    ),
    Fault(
        "agg_channels_daily",
        "marts.fct_orders",
        "a refund is counted that never took anything away",
        f"update marts.fct_orders set refund_minor = refund_minor + 100 where order_id = {ORDER}",
        "holds",
    ),
    Fault(
        "agg_search_terms",
        "intermediate.int_events",
        "a day's searches are lost",
        f"delete from intermediate.int_events where event_name = 'search' and event_date = {DAY}",
        "searches_add_up_to_visitors",
    ),
    Fault(
        "agg_paths",
        "intermediate.int_events",
        "a day's product views are lost",
        f"delete from intermediate.int_events where event_name = 'view_item' and event_date = {DAY}",
        "paths_add_up_to_sessions",
    ),
    Fault(
        "fct_customer_orders",
        "marts.fct_orders",
        "an order's refund has the wrong sign",
        f"update marts.fct_orders set refund_minor = - 100 where order_id = {ORDER}",
        "holds",
    ),
    Fault(
        "agg_orders_daily",
        "marts.fct_orders",
        "an order is worth twice as much, what is left of it is not",
        f"update marts.fct_orders set revenue_minor = 2 * revenue_minor where order_id = {ORDER}",
        "holds",
    ),
    Fault(
        "agg_buyers_daily",
        "marts.fct_customer_orders",
        "a customer's order is there twice",
        _twice("marts.fct_customer_orders", f"order_id = {ORDER}"),
        "totals_match",
    ),
    Fault(
        "agg_repeat_buyers_daily",
        "marts.fct_customer_orders",
        "customers' orders are numbered from 2 on",
        "update marts.fct_customer_orders set order_number = order_number + 1",
        "totals_match",
    ),
    Fault(
        "fct_attribution",
        "intermediate.int_attribution_touches",
        "an order's touches are lost",
        f"delete from intermediate.int_attribution_touches where order_id = {ORDER}",
        "credits_sum_to_order",
    ),
    Fault(
        "agg_attribution_daily",
        "marts.fct_attribution",
        "an order is credited twice",
        _twice("marts.fct_attribution", f"order_id = {ORDER}"),
        "credited_days_sum_to_orders",
    ),
    Fault(
        "agg_campaigns_daily",
        "intermediate.int_campaign_sessions",
        "a campaign has more bounces than sessions on a day",
        "update intermediate.int_campaign_sessions set bounces = sessions + 1",
        "holds",
    ),
    Fault(
        "customer_rfm",
        "seeds.rfm_segments",
        "scores that no segment is named for",
        "delete from seeds.rfm_segments where r_score >= 3",
        "holds",
    ),
    Fault(
        "customer_rfm_history",
        "marts.customer_rfm",
        "a customer is lost",
        "delete from marts.customer_rfm where customer_id = (select min(customer_id) from marts.customer_rfm)",
        "standing_orders_add_up",
    ),
    Fault(
        "rfm_migrations",
        "marts.customer_rfm_history",
        "a customer is there twice at a month's end",
        _twice(
            "marts.customer_rfm_history",
            "(as_of, customer_id) = (select min((as_of, customer_id)) from marts.customer_rfm_history)",
        ),
        "adds_up_to_history",
    ),
    Fault(
        "customer_profile",
        "marts.customer_rfm",
        "a customer with orders is lost",
        "delete from marts.customer_rfm where customer_id = (select min(customer_id) from marts.customer_rfm)",
        "holds",
    ),
    Fault(
        "customer_tags",
        "marts.customer_profile",
        "nobody knows how often the usual device was used",
        "update marts.customer_profile set device_share = null",
        "holds",
    ),
    Fault(
        "audit_events_daily",
        "intermediate.int_events",
        "a day's page views are lost after sessions were made of them",
        f"delete from intermediate.int_events where event_name = 'page_view' and event_date = {DAY}",
        "holds",
    ),
    Fault(
        "audit_arrival_days",
        "staging.stg_loads",
        "the loads of a day with late events are lost",
        "delete from staging.stg_loads where cast(arrival_days as varchar) like "
        "(select '%' || max(arrival_date) || '%' from intermediate.int_events_too_late)",
        "totals_match",
    ),
    Fault(
        "audit_order_reconciliation",
        "intermediate.int_order_tracking",
        "an order of the table is lost",
        f"delete from intermediate.int_order_tracking where order_id = {ORDER}",
        "totals_match",
    ),
    Fault(
        "feat_as_of_dates",
        "marts.agg_kpis_daily",
        "the last days are lost",
        f"delete from marts.agg_kpis_daily where kpi_date >= {DAY}",
        "dates_end_after_newest_day",
    ),
    Fault(
        "feat_customer_days",
        "intermediate.int_visitor_days",
        "more product views than events",
        "update intermediate.int_visitor_days set product_views = product_views + events",
        "holds",
    ),
    Fault(
        "feat_customers",
        "features.feat_customer_days",
        "orders have the wrong sign",
        "update features.feat_customer_days set orders_placed = - orders_placed",
        "holds",
    ),
    Fault(
        "feat_session_starts",
        "intermediate.int_session_starts",
        "a day's sessions are lost",
        f"delete from intermediate.int_session_starts where session_date = {DAY}",
        "starts_agree_with_sessions",
    ),
    Fault(
        "feat_session_items",
        "intermediate.int_session_days",
        "the sessions of a day begin a second later than they did",
        "update intermediate.int_session_days set session_start_ts = session_start_ts + interval 1 second "
        f"where session_date = {DAY}",
        "refers_to",
    ),
    Fault(
        "feat_user_item_days",
        "marts.fct_orders",
        "an order is dated a day later than its lines",
        f"update marts.fct_orders set order_date = order_date + 1 where order_id = {ORDER}",
        "purchases_match_order_lines",
    ),
]

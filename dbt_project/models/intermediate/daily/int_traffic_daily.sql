{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "sessions"},
    )
}}

with
    visitors as (
        select
            shop_id,
            event_date,
            count(*) as visitors,
            cast(sum(events) as bigint) as events,
            cast(sum(page_views) as bigint) as page_views,
            cast(sum(product_views) as bigint) as product_views,
            cast(sum(cart_adds) as bigint) as cart_adds,
            cast(sum(checkouts) as bigint) as checkouts,
            count(case when cart_adds > 0 then 1 end) as visitors_with_cart,
            count(case when tracked_orders > 0 then 1 end) as visitors_with_purchase
        from {{ ref("agg_user_daily") }}
        where {{ in_window("event_date", "sessions") }}
        group by shop_id, event_date
    ),

    sessions as (
        select
            shop_id,
            session_date as event_date,
            count(*) as sessions,
            count(case when is_bounce then 1 end) as bounces,
            count(case when orders > 0 then 1 end) as sessions_with_purchase,
            cast(sum(duration_ms) as bigint) as session_duration_ms
        from {{ ref("fct_sessions") }}
        where {{ in_window("session_date", "sessions") }}
        group by shop_id, session_date
    )

select
    coalesce(visitors.shop_id, sessions.shop_id) as shop_id,
    coalesce(visitors.event_date, sessions.event_date) as event_date,
    coalesce(visitors.visitors, 0) as visitors,
    coalesce(visitors.events, 0) as events,
    coalesce(visitors.page_views, 0) as page_views,
    coalesce(visitors.product_views, 0) as product_views,
    coalesce(visitors.cart_adds, 0) as cart_adds,
    coalesce(visitors.checkouts, 0) as checkouts,
    coalesce(visitors.visitors_with_cart, 0) as visitors_with_cart,
    coalesce(visitors.visitors_with_purchase, 0) as visitors_with_purchase,
    coalesce(sessions.sessions, 0) as sessions,
    coalesce(sessions.bounces, 0) as bounces,
    coalesce(sessions.sessions_with_purchase, 0) as sessions_with_purchase,
    coalesce(sessions.session_duration_ms, 0) as session_duration_ms
from visitors
full join sessions on sessions.shop_id = visitors.shop_id and sessions.event_date = visitors.event_date

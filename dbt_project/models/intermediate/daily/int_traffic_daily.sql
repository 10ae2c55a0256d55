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
            count(case when not is_bot then 1 end) as visitors,
            count(case when is_bot then 1 end) as bot_visitors,
            cast(sum(case when is_bot then events end) as bigint) as bot_events,
            {% for count in ["events", "page_views", "product_views", "cart_adds", "checkouts"] %}
                cast(sum(case when not is_bot then {{ count }} end) as bigint) as {{ count }},
            {% endfor %}
            count(case when not is_bot and cart_adds > 0 then 1 end) as visitors_with_cart,
            count(case when not is_bot and tracked_orders > 0 then 1 end) as visitors_with_purchase
        from {{ ref("agg_user_daily") }}
        where {{ in_window("event_date", "sessions") }}
        group by shop_id, event_date
    ),

    sessions as (
        select
            shop_id,
            session_date as event_date,
            count(case when not is_bot then 1 end) as sessions,
            count(case when is_bot then 1 end) as bot_sessions,
            count(case when not is_bot and is_bounce then 1 end) as bounces,
            count(case when not is_bot and orders > 0 then 1 end) as sessions_with_purchase,
            cast(sum(case when not is_bot then duration_ms end) as bigint) as session_duration_ms
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
    coalesce(sessions.session_duration_ms, 0) as session_duration_ms,
    coalesce(visitors.bot_visitors, 0) as bot_visitors,
    coalesce(sessions.bot_sessions, 0) as bot_sessions,
    coalesce(visitors.bot_events, 0) as bot_events
from visitors
full join sessions on sessions.shop_id = visitors.shop_id and sessions.event_date = visitors.event_date

{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "sessions", "publish_by": "event_date", "key": ["shop_id", "event_date", "visitor_id"]},
    )
}}

with
    days as (select * from {{ ref("int_visitor_days") }} where {{ in_window("event_date", "sessions") }}),

    sessions as (
        select shop_id, session_date as event_date, visitor_id, count(*) as sessions
        from {{ ref("fct_sessions") }}
        where {{ in_window("session_date", "sessions") }}
        group by shop_id, session_date, visitor_id
    ),

    bots as (select * from {{ ref("int_bot_days") }} where {{ in_window("event_date", "sessions") }})

select
    days.shop_id,
    days.event_date,
    days.visitor_id,
    days.customer_id,
    days.first_event_ts,
    days.last_event_ts,
    coalesce(sessions.sessions, 0) as sessions,
    days.events,
    days.page_views,
    days.product_views,
    days.searches,
    days.wishlist_adds,
    days.cart_adds,
    days.checkouts,
    days.tracked_orders,
    days.first_view_ts,
    days.active_hours,
    bots.bot_reason is not null as is_bot,
    bots.bot_reason
from days
left join
    sessions
    on sessions.shop_id = days.shop_id
    and sessions.event_date = days.event_date
    and sessions.visitor_id = days.visitor_id
left join
    bots
    on bots.shop_id = days.shop_id
    and bots.event_date = days.event_date
    and bots.visitor_id = days.visitor_id

{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        post_hook="{{ log_whole_write() }}",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "sessions", "publish_by": "event_date", "key": ["shop_id", "event_date", "visitor_id"]},
    )
}}

with
    events as (
        select *
        from {{ ref("int_events") }}
        where is_event_head and visitor_id is not null and {{ in_window("event_date", "sessions") }}
    ),

    activity as (
        select
            shop_id,
            event_date,
            visitor_id,
            {{ last_value_by_time("customer_id") }} as customer_id,
            min(event_ts) as first_event_ts,
            max(event_ts) as last_event_ts,
            count(*) as events,
            {{ count_events(["page_view"]) }} as page_views,
            {{ count_events(["view_item"]) }} as product_views,
            {{ count_events(["search"]) }} as searches,
            {{ count_events(["add_to_wishlist"]) }} as wishlist_adds,
            {{ count_events(["add_to_cart"]) }} as cart_adds,
            {{ count_events(["begin_checkout"]) }} as checkouts,
            count(distinct case when event_name = 'purchase' then order_id end) as tracked_orders
        from events
        group by shop_id, event_date, visitor_id
    ),

    sessions as (
        select shop_id, session_date as event_date, visitor_id, count(*) as sessions
        from {{ ref("fct_sessions") }}
        where {{ in_window("session_date", "sessions") }}
        group by shop_id, session_date, visitor_id
    )

select
    activity.shop_id,
    activity.event_date,
    activity.visitor_id,
    activity.customer_id,
    activity.first_event_ts,
    activity.last_event_ts,
    coalesce(sessions.sessions, 0) as sessions,
    activity.events,
    activity.page_views,
    activity.product_views,
    activity.searches,
    activity.wishlist_adds,
    activity.cart_adds,
    activity.checkouts,
    activity.tracked_orders
from activity
left join
    sessions
    on sessions.shop_id = activity.shop_id
    and sessions.event_date = activity.event_date
    and sessions.visitor_id = activity.visitor_id

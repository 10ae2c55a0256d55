{#
  Sessions measured: part of `fct_sessions`, which adds where they came from and whether they are bots.
#}
{{ config(materialized="ephemeral") }}

with
    members as (
        select shop_id, session_date, session_id, session_start_ts, event_date, event_id
        from {{ ref("int_session_events") }}
        where {{ in_window("session_date", "sessions") }}
    ),

    -- an event with several items counts once
    events as (
        select *
        from {{ ref("int_events") }}
        where is_event_head and visitor_id is not null and {{ in_event_window("sessions", 0, 2) }}
    ),

    session_events as (
        select members.session_date, members.session_id, members.session_start_ts, events.*
        from members
        inner join
            events
            on events.shop_id = members.shop_id
            and events.event_date = members.event_date
            and events.event_id = members.event_id
    )

select
    shop_id,
    session_id,
    session_date,
    session_start_ts,
    max(event_ts) as session_end_ts,
    cast(
        ({{ epoch_us("max(event_ts)") }} - {{ epoch_us("session_start_ts") }}) / 1000 as bigint
    ) as duration_ms,
    min(visitor_id) as visitor_id,
    min(device_id) as device_id,
    {{ last_value_by_time("customer_id") }} as customer_id,

    -- what happened
    count(*) as events,
    {{ count_events(["page_view"]) }} as page_views,
    {{ count_events(["view_item"]) }} as product_views,
    {{ count_events(["search"]) }} as searches,
    {{ count_events(["add_to_wishlist"]) }} as wishlist_adds,
    {{ count_events(["add_to_cart"]) }} as cart_adds,
    {{ count_events(["begin_checkout"]) }} as checkouts,
    count(distinct case when event_name = 'purchase' then order_id end) as orders,
    count(*) = 1 as is_bounce,

    -- where it came from, as its first events say
    {{ first_value_by_time("page_url") }} as landing_page,
    {{ last_value_by_time("page_url") }} as exit_page,
    {{ first_value_by_time("referrer") }} as referrer,
    {{ first_origin_by_time("channel") }} as channel,
    {{ first_origin_by_time("utm_source") }} as utm_source,
    {{ first_origin_by_time("utm_medium") }} as utm_medium,
    {{ first_origin_by_time("utm_campaign") }} as utm_campaign,
    {{ first_value_by_time("device") }} as device,
    {{ first_value_by_time("country") }} as country,
    {{ first_value_by_time("region") }} as region,
    {{ first_value_by_time("city") }} as city
from session_events
group by shop_id, session_id, session_date, session_start_ts

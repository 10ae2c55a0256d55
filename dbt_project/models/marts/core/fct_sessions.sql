{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "session_date", "reach": "sessions", "publish_by": "session_date", "key": ["shop_id", "session_id"]},
    )
}}

with
    sessions as (select * from {{ ref("int_sessions_sourced") }}),

    bots as (select * from {{ ref("int_bot_days") }} where {{ in_window("event_date", "sessions") }}),

    judged as (
        select sessions.*, bots.bot_reason
        from sessions
        left join
            bots
            on bots.shop_id = sessions.shop_id
            and bots.event_date = sessions.session_date
            and bots.visitor_id = sessions.visitor_id
    )

select
    shop_id,
    session_id,
    session_date,
    session_start_ts,
    session_end_ts,
    duration_ms,
    visitor_id,
    device_id,
    customer_id,

    -- what happened
    events,
    page_views,
    product_views,
    searches,
    wishlist_adds,
    cart_adds,
    checkouts,
    orders,
    is_bounce,
    bot_reason is not null as is_bot,
    bot_reason,

    -- where it came from
    landing_page,
    exit_page,
    referrer,
    channel,
    utm_source,
    utm_medium,
    utm_campaign,
    traffic_source,
    traffic_medium,
    channel_group,
    device,
    country,
    region,
    city
from judged

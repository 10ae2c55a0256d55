{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "session_events"},
    )
}}

with
    order_events as (
        select *
        from {{ ref("int_events") }}
        where event_name in ('purchase', 'refund', 'cancel_order') and {{ in_event_window("session_events") }}
    ),

    -- a session may begin two calendar days before its last event
    sessions as (
        select shop_id, visitor_id, session_start_ts, event_date, first_event_ts, last_event_ts
        from {{ ref("int_session_days") }}
        where
            {{ in_window("event_date", "session_events") }}
            and {{ in_window("session_date", "session_events", 2, 0) }}
    )

select
    events.shop_id,
    events.event_date,
    events.event_id,
    events.item_index,
    events.is_event_head,
    events.order_id,
    events.event_name,
    events.event_ts,
    case when sessions.session_start_ts is not null then {{ session_id("sessions") }} end as session_id,
    events.visitor_id,
    events.device_id,
    events.customer_id,
    events.source,
    events.channel,
    events.utm_source,
    events.utm_medium,
    events.utm_campaign,
    events.device,
    events.country,
    events.region,
    events.city,
    events.item_id,
    events.item_name,
    events.item_variant,
    events.item_category,
    events.item_brand,
    events.price_minor,
    events.quantity,
    events.discount_minor,
    events.coupon,
    events.tax_minor,
    events.shipping_minor,
    events.value_minor,
    events.currency,
    events.payment_method
from order_events as events
left join sessions on {{ in_session_day("events", "sessions") }}

{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "events"},
    )
}}

with
    delivered as (
        select *
        from {{ ref("stg_events") }}
        where not is_too_late and {{ arrivals_behind("events") }} and {{ in_window("event_date", "events") }}
    ),

    -- Of all deliveries of an event the one that arrived first counts, whole; unequal ones of the
    -- same day are told apart by content, never by load time or path.
    ranked as (
        select
            *,
            dense_rank() over (
                partition by shop_id, event_date, event_id order by arrival_date, content_hash
            ) as delivery_rank,
            row_number() over (
                partition by shop_id, event_date, event_id, arrival_date, content_hash, item_index
                order by received_ts nulls last
            ) as copy_number
        from delivered
    )

select
    shop_id,
    event_date,
    event_id,
    item_index,
    item_index is null
    or item_index = min(item_index) over (partition by shop_id, event_date, event_id) as is_event_head,
    event_name,
    event_ts,
    event_hour,
    received_ts,
    arrival_date,
    source,
    visitor_id,
    device_id,
    customer_id,
    source_session_id,
    page_url,
    referrer,
    user_agent,
    utm_source,
    utm_medium,
    utm_campaign,
    channel,
    device,
    country,
    region,
    city,
    item_id,
    item_name,
    item_variant,
    item_category,
    item_brand,
    price_minor,
    quantity,
    discount_minor,
    coupon,
    tax_minor,
    shipping_minor,
    value_minor,
    currency,
    order_id,
    payment_method,
    search_term,
    dwell_ms,
    properties,
    content_hash
from ranked
where delivery_rank = 1 and copy_number = 1

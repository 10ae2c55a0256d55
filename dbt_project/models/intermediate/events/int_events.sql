{#
  A view: events lie once, in the lake. Whoever reads it in a window says so with `in_event_window`, which
  also names the arrivals, so that only their files are opened.
#}
{{ config(materialized="view", meta={"refresh_class": "view"}) }}

select
    events.shop_id,
    events.event_date,
    events.event_id,
    events.item_index,
    -- ingestion numbers the items of an event from 0
    events.item_index is null or events.item_index = 0 as is_event_head,
    events.event_name,
    events.event_ts,
    events.event_hour,
    events.received_ts,
    events.arrival_date,
    events.source,
    events.visitor_id,
    events.device_id,
    events.customer_id,
    events.source_session_id,
    events.page_url,
    events.referrer,
    events.user_agent,
    events.utm_source,
    events.utm_medium,
    events.utm_campaign,
    events.channel,
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
    events.order_id,
    events.payment_method,
    events.search_term,
    events.dwell_ms,
    events.properties,
    events.content_hash
from {{ ref("stg_events") }} as events
left join
    {{ ref("int_event_losers") }} as losers
    on losers.load_id = events.load_id
    and losers.source_row = events.source_row
    and losers.event_date = events.event_date
where not events.is_too_late and losers.load_id is null

{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "events"},
    )
}}

select
    shop_id,
    event_date,
    event_id,
    item_index,
    is_event_head,
    event_name,
    event_ts,
    visitor_id,
    customer_id,
    item_id,
    item_category,
    item_brand,
    price_minor,
    quantity,
    currency,
    order_id
from {{ ref("int_events") }}
where
    event_name in ('add_to_cart', 'remove_from_cart', 'purchase')
    and visitor_id is not null
    and {{ in_event_window("events") }}

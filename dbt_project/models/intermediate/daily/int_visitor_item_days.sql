{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "events"},
    )
}}

{# The one reading of events by product: product days, preferences and recommendations all count on these rows. #}
select
    shop_id,
    event_date,
    visitor_id,
    customer_id,
    item_id,
    item_category,
    item_brand,
    {{ count_events(["view_item"]) }} as views,
    {{ count_events(["add_to_wishlist"]) }} as wishlist_adds,
    {{ count_events(["add_to_cart"]) }} as cart_adds,
    {{ count_events(["remove_from_cart"]) }} as cart_removes,
    max(event_ts) as last_event_ts
from {{ ref("int_events") }}
where
    event_name in ('view_item', 'add_to_wishlist', 'add_to_cart', 'remove_from_cart')
    and visitor_id is not null
    and {{ in_event_window("events") }}
group by shop_id, event_date, visitor_id, customer_id, item_id, item_category, item_brand

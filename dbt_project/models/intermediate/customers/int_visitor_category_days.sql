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
    visitor_id,
    customer_id,
    item_category,
    item_brand,
    {{ count_events(["view_item"]) }} as views,
    {{ count_events(["add_to_cart"]) }} as cart_adds,
    {{ count_events(["add_to_wishlist"]) }} as favourites
from {{ ref("int_events") }}
where
    event_name in ('view_item', 'add_to_cart', 'add_to_wishlist')
    and visitor_id is not null
    and {{ in_event_window("events") }}
group by shop_id, event_date, visitor_id, customer_id, item_category, item_brand

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
    cast(sum(views) as bigint) as views,
    cast(sum(cart_adds) as bigint) as cart_adds,
    cast(sum(wishlist_adds) as bigint) as favourites
from {{ ref("int_visitor_item_days") }}
where views + cart_adds + wishlist_adds > 0 and {{ in_window("event_date", "events") }}
group by shop_id, event_date, visitor_id, customer_id, item_category, item_brand

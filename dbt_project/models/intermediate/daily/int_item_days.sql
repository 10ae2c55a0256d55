{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "sessions"},
    )
}}

{#
  What people did with a product on a day. A category and a brand that an event does not name are those
  that most events of the day name for the product.
#}
with
    events as (
        select shop_id, event_date, visitor_id, event_name, item_id, item_category, item_brand
        from {{ ref("int_events") }}
        where
            event_name in ('view_item', 'add_to_wishlist', 'add_to_cart', 'remove_from_cart')
            and visitor_id is not null
            and {{ in_window("event_date", "sessions") }}
    ),

    bots as (
        select shop_id, event_date, visitor_id
        from {{ ref("agg_user_daily") }}
        where is_bot and {{ in_window("event_date", "sessions") }}
    ),

    counted as (
        select
            events.shop_id,
            events.event_date,
            events.item_id,
            events.item_category,
            events.item_brand,
            {{ count_events(["view_item"]) }} as views,
            {{ count_events(["add_to_wishlist"]) }} as wishlist_adds,
            {{ count_events(["add_to_cart"]) }} as cart_adds,
            {{ count_events(["remove_from_cart"]) }} as cart_removes
        from events
        left join
            bots
            on bots.shop_id = events.shop_id
            and bots.event_date = events.event_date
            and bots.visitor_id = events.visitor_id
        where bots.visitor_id is null
        group by events.shop_id, events.event_date, events.item_id, events.item_category, events.item_brand
    ),

    products as (
        select shop_id, event_date, item_id, item_category, item_brand
        from {{ ref("int_product_days") }}
        where {{ in_window("event_date", "sessions") }}
    )

select
    counted.shop_id,
    counted.event_date,
    coalesce(counted.item_id, '(not set)') as item_id,
    coalesce(counted.item_category, products.item_category, '(not set)') as item_category,
    coalesce(counted.item_brand, products.item_brand, '(not set)') as item_brand,
    cast(sum(counted.views) as bigint) as views,
    cast(sum(counted.wishlist_adds) as bigint) as wishlist_adds,
    cast(sum(counted.cart_adds) as bigint) as cart_adds,
    cast(sum(counted.cart_removes) as bigint) as cart_removes
from counted
left join
    products
    on products.shop_id = counted.shop_id
    and products.event_date = counted.event_date
    and products.item_id = counted.item_id
group by
    counted.shop_id,
    counted.event_date,
    coalesce(counted.item_id, '(not set)'),
    coalesce(counted.item_category, products.item_category, '(not set)'),
    coalesce(counted.item_brand, products.item_brand, '(not set)')

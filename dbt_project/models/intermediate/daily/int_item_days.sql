{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "sessions"},
    )
}}

{# What people did with a product on a day, by what the events themselves say of it. #}
with
    events as (
        select shop_id, event_date, visitor_id, event_name, item_id, item_category, item_brand
        from {{ ref("int_events") }}
        where
            event_name in ('view_item', 'add_to_wishlist', 'add_to_cart', 'remove_from_cart')
            and visitor_id is not null
            and {{ in_event_window("sessions") }}
    ),

    bots as (
        select shop_id, event_date, visitor_id
        from {{ ref("agg_user_daily") }}
        where is_bot and {{ in_window("event_date", "sessions") }}
    )

select
    events.shop_id,
    events.event_date,
    coalesce(events.item_id, '(not set)') as item_id,
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
group by
    events.shop_id,
    events.event_date,
    coalesce(events.item_id, '(not set)'),
    events.item_category,
    events.item_brand

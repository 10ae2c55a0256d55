{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "sessions"},
    )
}}

{# What people did with a product on a day, by what the events themselves say of it. #}
select
    days.shop_id,
    days.event_date,
    coalesce(days.item_id, '(not set)') as item_id,
    days.item_category,
    days.item_brand,
    cast(sum(days.views) as bigint) as views,
    cast(sum(days.wishlist_adds) as bigint) as wishlist_adds,
    cast(sum(days.cart_adds) as bigint) as cart_adds,
    cast(sum(days.cart_removes) as bigint) as cart_removes
from {{ ref("int_visitor_item_days") }} as days
where {{ in_window("days.event_date", "sessions") }} and {{ of_people("days", "sessions") }}
group by
    days.shop_id, days.event_date, coalesce(days.item_id, '(not set)'), days.item_category, days.item_brand

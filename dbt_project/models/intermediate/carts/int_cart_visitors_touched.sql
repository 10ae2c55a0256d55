{#
  The visitors whose carts this run must compute again: whoever an arrived row names, and whoever
  another delivery of the same event names, for of two deliveries only one counts. Read from the lake's
  files whatever their load's state, so that a superseded row's visitor is touched too.
#}
{{ config(materialized="table", meta={"refresh_class": "per run"}) }}

with
    cart_rows as (
        select shop_id, event_id, arrival_date, coalesce(device_id, 'customer:' || customer_id) as visitor_id
        from {{ source("lake", "events") }}
        where
            event_name in ('add_to_cart', 'remove_from_cart', 'purchase')
            and {{ arrivals_behind("events") }}
            and (device_id is not null or customer_id is not null)
    ),

    arrived as (
        select shop_id, event_id
        from {{ source("lake", "events") }}
        where {{ in_window("arrival_date", "arrivals") }}
    )

select shop_id, visitor_id
from cart_rows
where {{ in_window("arrival_date", "arrivals") }}
union
select shop_id, visitor_id
from cart_rows
where (shop_id, event_id) in (select (shop_id, event_id) from arrived)

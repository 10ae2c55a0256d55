{#
  The visitors whose carts this run must compute again: whoever an arrived row names, and whoever
  another delivery of the same event names, for of two deliveries only one counts. Read from the lake's
  files whatever their load's state, so that a superseded row's visitor is touched too.

  A purchase that the shop's server sends without a device closes carts on the customer's devices: the
  devices of its customer are touched, and a device of which a row says who uses it.
#}
{{ config(materialized="table", meta={"refresh_class": "per run"}) }}

with
    cart_rows as (
        select
            shop_id,
            event_id,
            arrival_date,
            coalesce(device_id, 'customer:' || customer_id) as visitor_id,
            event_name = 'purchase' and device_id is null as is_without_device
        from {{ source("lake", "events") }}
        where
            {{ arrivals_behind("events") }}
            and (
                (
                    event_name in ('add_to_cart', 'remove_from_cart', 'purchase')
                    and (device_id is not null or customer_id is not null)
                )
                or (device_id is not null and customer_id is not null)
            )
    ),

    arrived as (
        select shop_id, event_id
        from {{ source("lake", "events") }}
        where {{ in_window("arrival_date", "arrivals") }}
    ),

    touched as (
        select shop_id, visitor_id, is_without_device
        from cart_rows
        where {{ in_window("arrival_date", "arrivals") }}
        union
        select shop_id, visitor_id, is_without_device
        from cart_rows
        where (shop_id, event_id) in (select (shop_id, event_id) from arrived)
    )

select shop_id, visitor_id
from touched
union
select touched.shop_id, days.visitor_id
from touched
inner join
    {{ ref("int_customer_days") }} as days
    on days.shop_id = touched.shop_id
    and 'customer:' || days.customer_id = touched.visitor_id
    and days.is_device
where touched.is_without_device

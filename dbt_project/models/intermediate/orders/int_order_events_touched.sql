{#
  Events of the touched orders, read once for all models that compute orders again. A refund or
  cancellation delivered under one id on two days is one: it would otherwise be taken twice.
#}
{{ config(materialized="table", meta={"refresh_class": "per run"}) }}

with
    touched as ({{ touched_rows(ref("int_order_events")) }}),

    shops as (select * from {{ ref("stg_shops") }}),

    described as (
        select
            touched.*,
            shops.orders_from,
            min(touched.event_date) over (
                partition by touched.shop_id, touched.order_id, touched.event_id, touched.event_name
            ) as first_day,
            -- discounts are stated row by row, unlike the event's value
            cast(
                sum(touched.discount_minor) over (
                    partition by touched.shop_id, touched.event_date, touched.event_id
                ) as bigint
            ) as event_discount_minor,
            -- a line is whatever names, prices or places something, also without a SKU
            touched.item_id is not null
            or touched.item_index is not null
            or touched.item_name is not null
            or touched.price_minor is not null as is_line
        from touched
        inner join shops on shops.shop_id = touched.shop_id
    )

select *
from described
where event_name = 'purchase' or event_date = first_day

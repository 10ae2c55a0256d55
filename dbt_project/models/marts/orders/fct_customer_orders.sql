{{ config(tags=["whole"], meta={"refresh_class": "from daily", "key": ["shop_id", "order_id"]}) }}

with
    shops as (select * from {{ ref("stg_shops") }}),

    placed as (
        select
            orders.shop_id,
            orders.order_id,
            orders.customer_id,
            orders.order_date,
            orders.ordered_at,
            orders.status,
            orders.status <> 'cancelled' as is_counted,
            orders.line_count,
            orders.units,
            orders.coupon,
            orders.utm_campaign,
            orders.channel,
            orders.payment_method,
            orders.device,
            orders.country,
            orders.region,
            {{ order_money("orders", "shops") }},
            orders.currency
        from {{ ref("fct_orders") }} as orders
        inner join shops on shops.shop_id = orders.shop_id
        where orders.has_purchase and orders.customer_id is not null
    ),

    -- a cancelled order gets no number and does not make the next one a second order
    numbered as (
        select
            shop_id,
            order_id,
            row_number() over (
                partition by shop_id, customer_id order by ordered_at, order_id
            ) as order_number,
            lag(order_date) over (
                partition by shop_id, customer_id order by ordered_at, order_id
            ) as previous_order_date
        from placed
        where is_counted
    )

select
    placed.shop_id,
    placed.order_id,
    placed.customer_id,
    placed.order_date,
    placed.ordered_at,
    placed.status,

    -- which of the customer's orders it is
    numbered.order_number,
    numbered.order_number = 1 as is_new_customer,
    numbered.previous_order_date,
    cast(
        {{ days_between("numbered.previous_order_date", "placed.order_date") }} as bigint
    ) as days_since_previous_order,

    -- what it is worth
    placed.gross_minor,
    placed.discount_minor,
    placed.revenue_minor,
    placed.refund_minor,
    placed.net_revenue_minor,
    placed.currency,
    placed.line_count,
    placed.units,

    -- where it came from
    placed.utm_campaign,
    placed.coupon,
    placed.channel,
    placed.payment_method,
    placed.device,
    placed.country,
    placed.region
from placed
left join numbered on numbered.shop_id = placed.shop_id and numbered.order_id = placed.order_id

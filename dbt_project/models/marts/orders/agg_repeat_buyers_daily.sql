{{ config(tags=["whole"], meta={"refresh_class": "from daily", "key": ["shop_id", "order_date"]}) }}

with
    -- an order that is later cancelled has no number
    days as (
        select
            shop_id,
            order_date,
            count(*) as orders,
            count(case when order_number > 1 then 1 end) as returning_orders,
            count(case when order_number = 1 then 1 end) as new_customers,
            count(case when order_number = 2 then 1 end) as new_repeat_customers
        from {{ ref("fct_customer_orders") }}
        where order_number is not null
        group by shop_id, order_date
    ),

    -- every customer has one first and at most one second order: their sums over days are customers
    ever as (
        select
            *,
            cast(
                sum(new_customers) over (
                    partition by shop_id order by order_date rows between unbounded preceding and current row
                ) as bigint
            ) as customers,
            cast(
                sum(new_repeat_customers) over (
                    partition by shop_id order by order_date rows between unbounded preceding and current row
                ) as bigint
            ) as repeat_customers
        from days
    )

select
    shop_id,
    order_date,

    -- the orders of the day
    orders,
    returning_orders,
    {{ metric("returning_order_share") }} as returning_order_share,

    -- all customers up to the end of the day
    new_customers,
    new_repeat_customers,
    customers,
    repeat_customers,
    {{ metric("repeat_purchase_rate") }} as repeat_purchase_rate
from ever

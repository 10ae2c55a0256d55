{#
  How each customer buys: discounts against the shop's share, and the usual payment method. Counts every
  placed order, also those taken back: how somebody buys is no less a habit for that.
#}
{{ config(materialized="ephemeral") }}

with
    orders as (
        select
            shop_id,
            customer_id,
            payment_method,
            coupon is not null or coalesce(discount_minor, 0) > 0 as is_discounted,
            status in ('cancelled', 'refunded') as is_taken_back
        from {{ ref("fct_orders") }}
        where has_purchase
    ),

    shops as (
        select shop_id, count(*) as orders, count(case when is_discounted then 1 end) as discounted_orders
        from orders
        group by shop_id
    ),

    customers as (
        select
            shop_id,
            customer_id,
            count(*) as orders,
            count(case when is_taken_back then 1 end) as orders_taken_back,
            count(case when is_discounted then 1 end) as discounted_orders,
            count(distinct payment_method) as payment_methods
        from orders
        where customer_id is not null
        group by shop_id, customer_id
    ),

    payments as (
        select
            shop_id,
            customer_id,
            payment_method,
            count(*) as orders,
            row_number() over (
                partition by shop_id, customer_id order by count(*) desc, payment_method
            ) as place
        from orders
        where customer_id is not null and payment_method is not null
        group by shop_id, customer_id, payment_method
    )

select
    customers.shop_id,
    customers.customer_id,
    customers.orders,
    customers.orders_taken_back,
    customers.discounted_orders,
    shops.orders as shop_orders,
    shops.discounted_orders as shop_discounted_orders,
    case
        -- a shop without a single discount says nothing about who likes them
        when shops.discounted_orders = 0
        then null
        when
            customers.discounted_orders >= 2
            and customers.discounted_orders * shops.orders * 2
            >= shops.discounted_orders * customers.orders * 3
        then 'high'
        when customers.orders >= 3 and customers.discounted_orders = 0
        then 'none'
        else 'usual'
    end as discount_affinity,
    customers.payment_methods,
    payments.payment_method,
    payments.orders as payment_method_orders
from customers
inner join shops on shops.shop_id = customers.shop_id
left join
    payments
    on payments.shop_id = customers.shop_id
    and payments.customer_id = customers.customer_id
    and payments.place = 1

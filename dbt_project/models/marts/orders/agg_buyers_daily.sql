{{ config(tags=["whole"], meta={"refresh_class": "from daily", "key": ["shop_id", "order_date", "buyer_type"]}) }}

with
    shops as (select * from {{ ref("stg_shops") }}),

    numbered as (select * from {{ ref("fct_customer_orders") }}),

    -- who buys twice on their first day is new all that day
    first_days as (select shop_id, customer_id, order_date from numbered where is_new_customer),

    placed as (
        select
            orders.shop_id,
            orders.order_date,
            orders.customer_id,
            case
                when orders.status = 'cancelled'
                then 'cancelled'
                when orders.customer_id is null
                then 'guest'
                when first_days.order_date = orders.order_date
                then 'new'
                else 'returning'
            end as buyer_type,
            orders.units,
            {{ order_money("orders", "shops") }}
        from {{ ref("fct_orders") }} as orders
        inner join shops on shops.shop_id = orders.shop_id
        left join
            first_days on first_days.shop_id = orders.shop_id and first_days.customer_id = orders.customer_id
        where orders.has_purchase
    ),

    sales as (
        select shop_id, order_date, buyer_type, count(distinct customer_id) as buyers, {{ order_sums() }}
        from placed
        group by shop_id, order_date, buyer_type
    )

select
    sales.shop_id,
    sales.order_date,
    sales.buyer_type,
    sales.buyers,
    {{ order_figures("sales") }},
    {{ metric("average_order_value_minor", "sales") }} as average_order_value_minor,
    {{ metric("revenue_per_buyer_minor", "sales") }} as revenue_per_buyer_minor,
    shops.currency
from sales
inner join shops on shops.shop_id = sales.shop_id

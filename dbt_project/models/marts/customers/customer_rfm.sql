{{ config(tags=["whole"], meta={"refresh_class": "from daily", "key": ["shop_id", "customer_id"]}) }}

with
    orders as (
        select orders.*, shops.currency as shop_currency
        from {{ ref("fct_orders") }} as orders
        inner join {{ ref("stg_shops") }} as shops on shops.shop_id = orders.shop_id
    ),

    as_of as ({{ as_of() }}),

    customers as (
        select
            orders.shop_id,
            orders.customer_id,
            max(case when is_standing then order_date end) as last_order_date,
            count(case when is_standing then 1 end) as frequency,
            cast(
                sum(case when orders.currency = orders.shop_currency then net_revenue_minor end) as bigint
            ) as monetary_minor,
            min(orders.shop_currency) as currency
        from
            (
                select *, has_purchase and status not in ('cancelled', 'refunded') as is_standing from orders
            ) as orders
        where orders.customer_id is not null
        group by orders.shop_id, orders.customer_id
    ),

    measured as (
        select
            customers.shop_id,
            customers.customer_id,
            as_of.as_of,
            customers.last_order_date,
            cast(
                greatest({{ days_between("customers.last_order_date", "as_of.as_of") }}, 0) as bigint
            ) as recency_days,
            customers.frequency,
            customers.monetary_minor,
            customers.currency
        from customers
        inner join as_of on as_of.shop_id = customers.shop_id
        where customers.frequency > 0
    ),

    scored as ({{ rfm_scored("measured") }})

select
    shop_id,
    customer_id,
    as_of,
    last_order_date,
    recency_days,
    frequency,
    monetary_minor,
    currency,
    r_score,
    f_score,
    m_score,
    value_group_zh,
    value_group,
    segment,
    segment_zh
from scored

{#
  Everybody who ordered is in one purchase cohort of each period, so that these cohorts hold all orders of
  somebody known up to the newest day, with all their money.
#}
{% test cohorts_hold_all_orders(model) %}
    with
        cohorts as (
            select
                shop_id, period, min(as_of) as as_of, sum(orders) as orders, sum(net_revenue_minor) as money
            from {{ model }}
            where cohort_type = 'first_purchase'
            group by shop_id, period
        ),

        placed as (
            select
                cohorts.shop_id,
                cohorts.period,
                count(*) as orders,
                sum(case when orders.currency = shops.currency then orders.net_revenue_minor end) as money
            from {{ ref("fct_orders") }} as orders
            inner join {{ ref("stg_shops") }} as shops on shops.shop_id = orders.shop_id
            inner join cohorts on cohorts.shop_id = orders.shop_id and orders.order_date <= cohorts.as_of
            where
                orders.has_purchase
                and orders.status <> 'cancelled'
                and coalesce(orders.customer_id, orders.visitor_id) is not null
            group by cohorts.shop_id, cohorts.period
        )

    select
        shop_id,
        period,
        cohorts.orders,
        placed.orders as placed_orders,
        cohorts.money,
        placed.money as placed_money
    from cohorts
    inner join placed using (shop_id, period)
    where cohorts.orders <> placed.orders or coalesce(cohorts.money, 0) <> coalesce(placed.money, 0)
{% endtest %}

{#
  What was known of an order day by day ends in what is known today, for orders made of events in the
  shop's currency. (Of table rows the days know first versions only.)
#}
{% test adds_up_to_orders(model) %}
    with
        days as (
            select
                shop_id,
                order_id,
                sum(orders_placed) as orders_placed,
                sum(gross_minor) as gross_minor,
                sum(refund_minor) as refund_minor
            from {{ model }}
            where {{ tested_window() }}
            group by shop_id, order_id
        )

    select
        orders.shop_id,
        orders.order_id,
        orders.revenue_minor,
        orders.refund_minor,
        days.gross_minor,
        days.refund_minor
    from {{ ref("fct_orders") }} as orders
    inner join
        {{ ref("stg_shops") }} as shops on shops.shop_id = orders.shop_id and shops.currency = orders.currency
    inner join days on days.shop_id = orders.shop_id and days.order_id = orders.order_id
    where
        shops.orders_from = 'events'
        and (
            days.orders_placed <> case when orders.has_purchase then 1 else 0 end
            or (
                orders.revenue_minor is not null
                and (days.gross_minor <> orders.revenue_minor or days.refund_minor <> orders.refund_minor)
            )
        )
{% endtest %}

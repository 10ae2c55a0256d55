{#
  What days gave back, each refund on its own day, is over all days what was taken back of the shop's orders.
  Looks at everything: a refund and its order may be months apart.
#}
{% test refunds_add_up_to_orders(model) %}
    with
        days as (
            select shop_id, coalesce(sum(refund_minor), 0) as refund_minor from {{ model }} group by shop_id
        ),

        orders as (
            select orders.shop_id, sum(orders.refund_minor) as refund_minor
            from {{ ref("fct_orders") }} as orders
            inner join
                {{ ref("stg_shops") }} as shops
                on shops.shop_id = orders.shop_id
                and shops.currency = orders.currency
            group by orders.shop_id
        )

    select days.shop_id, days.refund_minor, orders.refund_minor as refund_of_orders_minor
    from days
    left join orders on orders.shop_id = days.shop_id
    where days.refund_minor <> coalesce(orders.refund_minor, 0)
{% endtest %}

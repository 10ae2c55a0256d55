{# An order's net revenue is the sum of its money's known movements. #}
{% test adds_up_to_movements(model) %}
    with
        orders as (select * from {{ model }} where net_revenue_minor is not null and {{ tested_window() }}),

        movements as (
            select shop_id, order_id, sum(amount_minor) as amount_minor
            from {{ ref("int_order_movements") }}
            group by shop_id, order_id
        )

    select orders.shop_id, orders.order_id, orders.net_revenue_minor, movements.amount_minor
    from orders
    left join movements on movements.shop_id = orders.shop_id and movements.order_id = orders.order_id
    where orders.net_revenue_minor <> coalesce(movements.amount_minor, 0)
{% endtest %}

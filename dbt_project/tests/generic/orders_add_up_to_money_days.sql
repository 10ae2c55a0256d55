{# A day's orders and money of all customers are those of the orders whose buyer was known by then. #}
{% test orders_add_up_to_money_days(model) %}
    with
        customers as (
            select
                shop_id,
                event_date,
                sum(orders_placed) as orders_placed,
                sum(coalesce(gross_minor, 0) - coalesce(refund_minor, 0)) as net_minor
            from {{ model }}
            where {{ tested_window() }}
            group by shop_id, event_date
        ),

        orders as (
            select
                shop_id,
                movement_date as event_date,
                sum(orders_placed) as orders_placed,
                sum(coalesce(gross_minor, 0) - coalesce(refund_minor, 0)) as net_minor
            from {{ ref("int_order_money_days") }}
            where customer_id is not null
            group by shop_id, movement_date
        )

    select customers.*, orders.orders_placed as orders_counted, orders.net_minor as net_counted
    from customers
    left join orders on orders.shop_id = customers.shop_id and orders.event_date = customers.event_date
    where
        customers.orders_placed <> coalesce(orders.orders_placed, 0)
        or customers.net_minor <> coalesce(orders.net_minor, 0)
{% endtest %}

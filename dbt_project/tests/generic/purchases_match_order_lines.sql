{# A day's purchases of all users are the products of the orders placed on it, each once an order, whose buyer is known. #}
{% test purchases_match_order_lines(model) %}
    with
        users as (
            select shop_id, event_date, sum(purchases) as purchases
            from {{ model }}
            where {{ tested_window() }}
            group by shop_id, event_date
        ),

        ordered as (
            select distinct lines.shop_id, lines.line_date, lines.order_id, lines.item_id
            from {{ ref("fct_order_items") }} as lines
            inner join
                {{ ref("fct_orders") }} as orders
                on orders.shop_id = lines.shop_id
                and orders.order_id = lines.order_id
            where
                lines.line_type = 'purchase'
                and lines.item_id is not null
                and coalesce(lines.customer_id, orders.visitor_id) is not null
        ),

        orders as (
            select shop_id, line_date as event_date, count(*) as purchases
            from ordered
            group by shop_id, line_date
        )

    select users.*, orders.purchases as ordered
    from users
    left join orders on orders.shop_id = users.shop_id and orders.event_date = users.event_date
    where users.purchases <> coalesce(orders.purchases, 0)
{% endtest %}

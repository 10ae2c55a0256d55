{#
  The frequencies of a day's customers add up to the orders that stood then, counted from fct_orders in
  another way: an order stands until its first refund at least, and not after its last when it is refunded
  or cancelled today.
#}
{% test standing_orders_add_up(model) %}
    with
        counted as (
            select
                shop_id,
                as_of,
                sum(frequency) as frequency,
                as_of = max(as_of) over (partition by shop_id) as is_newest
            from {{ model }}
            group by shop_id, as_of
        ),

        last_movements as (
            select shop_id, order_id, max(movement_date) as movement_date
            from {{ ref("int_order_movements") }}
            group by shop_id, order_id
        ),

        orders as (
            select
                orders.shop_id,
                orders.order_date,
                orders.status in ('cancelled', 'refunded') as is_taken_back,
                orders.first_refund_date,
                last_movements.movement_date as last_movement_date
            from {{ ref("fct_orders") }} as orders
            inner join
                last_movements
                on last_movements.shop_id = orders.shop_id
                and last_movements.order_id = orders.order_id
            where orders.customer_id is not null and orders.has_purchase
        ),

        bounds as (
            select
                counted.shop_id,
                counted.as_of,
                counted.frequency,
                count(
                    case
                        when
                            not is_taken_back or (first_refund_date > counted.as_of and not counted.is_newest)
                        then 1
                    end
                ) as at_least,
                count(
                    case
                        when
                            not is_taken_back
                            or (last_movement_date > counted.as_of and not counted.is_newest)
                        then 1
                    end
                ) as at_most
            from counted
            inner join
                orders
                on orders.shop_id = counted.shop_id
                and (orders.order_date <= counted.as_of or counted.is_newest)
            group by counted.shop_id, counted.as_of, counted.frequency
        )

    select *
    from bounds
    where frequency not between at_least and at_most
{% endtest %}

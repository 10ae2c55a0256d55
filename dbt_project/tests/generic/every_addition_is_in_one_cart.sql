{# What a visitor ever put in a cart lies in exactly one of their carts. #}
{% test every_addition_is_in_one_cart(model) %}
    with
        carts as (
            select shop_id, visitor_id, sum(adds) as adds
            from {{ model }}
            where {{ tested_window() }}
            group by shop_id, visitor_id
        ),

        events as (
            select shop_id, visitor_id, count(*) as adds
            from {{ ref("int_cart_events") }}
            where event_name = 'add_to_cart' and {{ tested_window() }}
            group by shop_id, visitor_id
        )

    select
        coalesce(carts.shop_id, events.shop_id) as shop_id,
        coalesce(carts.visitor_id, events.visitor_id) as visitor_id,
        carts.adds,
        events.adds as events
    from carts
    full join events on events.shop_id = carts.shop_id and events.visitor_id = carts.visitor_id
    where carts.adds is distinct from events.adds
{% endtest %}

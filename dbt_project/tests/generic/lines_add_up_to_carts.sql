{# Units and worth of a cart are those of its lines. #}
{% test lines_add_up_to_carts(model) %}
    with
        lines as (
            select
                shop_id,
                cart_id,
                sum(units_left) as units,
                sum(value_minor) as value_minor,
                sum(value_bought_minor) as value_bought_minor
            from {{ ref("int_cart_lines") }}
            where {{ tested_window() }}
            group by shop_id, cart_id
        )

    select carts.shop_id, carts.cart_id
    from (select * from {{ model }} where {{ tested_window() }}) as carts
    full join lines on lines.shop_id = carts.shop_id and lines.cart_id = carts.cart_id
    where
        carts.units is distinct from lines.units
        or coalesce(carts.value_minor, 0) <> coalesce(lines.value_minor, 0)
        or coalesce(carts.value_bought_minor, 0) <> coalesce(lines.value_bought_minor, 0)
{% endtest %}

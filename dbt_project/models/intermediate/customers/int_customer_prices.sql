{#
  Where the unit prices that a customer pays lie among those paid in the shop for goods of the same
  category (of all goods, where the category has fewer than 20 priced lines): 0 is the cheapest, 1000 the
  dearest. Equal prices lie in the middle of each other. A shop's phones and phone cases are not compared.
#}
{{ config(materialized="ephemeral") }}

with
    lines as (
        select
            lines.shop_id,
            lines.customer_id,
            lines.line_id,
            lines.order_id,
            lines.item_category,
            lines.price_minor
        from {{ ref("fct_order_items") }} as lines
        inner join
            {{ ref("fct_orders") }} as orders
            on orders.shop_id = lines.shop_id
            and orders.order_id = lines.order_id
        inner join
            {{ ref("stg_shops") }} as shops
            on shops.shop_id = lines.shop_id
            and shops.currency = lines.currency
        where
            lines.line_type = 'purchase'
            and lines.price_minor > 0
            and lines.quantity > 0
            and orders.status not in ('cancelled', 'refunded')
    ),

    -- twice the middle rank, in whole numbers: in the category and among all goods
    ranked_lines as (
        select
            *,
            {% for place, of in {"category": "shop_id, item_category", "shop": "shop_id"}.items() %}
                2 * (rank() over (partition by {{ of }} order by price_minor) - 1)
                + count(*) over (partition by {{ of }}, price_minor) as twice_rank_in_{{ place }},
                count(*) over (partition by {{ of }}) as lines_in_{{ place }}{{ "," if not loop.last }}
            {% endfor %}
        from lines
    ),

    -- goods of no known category are no category
    placed as (
        select
            *,
            case
                when item_category is not null and lines_in_category >= 20
                then twice_rank_in_category
                else twice_rank_in_shop
            end as twice_rank,
            case
                when item_category is not null and lines_in_category >= 20
                then lines_in_category
                else lines_in_shop
            end as lines_compared
        from ranked_lines
    ),

    positions as (
        select *, {{ whole_division("1000 * twice_rank", "(2 * lines_compared)") }} as price_permille
        from placed
        where customer_id is not null
    ),

    -- of an even number of lines the lower middle one
    ranked as (
        select
            *,
            row_number() over (
                partition by shop_id, customer_id order by price_permille, order_id, line_id
            ) as place_by_position,
            row_number() over (
                partition by shop_id, customer_id order by price_minor, order_id, line_id
            ) as place_by_price,
            count(*) over (partition by shop_id, customer_id) as priced_lines
        from positions
    )

select
    shop_id,
    customer_id,
    max(priced_lines) as priced_lines,
    max(
        case when place_by_position = {{ whole_division("(priced_lines + 1)", "2") }} then price_permille end
    ) as price_permille,
    max(
        case when place_by_price = {{ whole_division("(priced_lines + 1)", "2") }} then price_minor end
    ) as median_unit_price_minor
from ranked
group by shop_id, customer_id

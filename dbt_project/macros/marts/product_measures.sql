{#
  The daily figures of products, summed up by `dimension`: item_id, item_category or item_brand as they
  were on the day. Shared by agg_products_daily, agg_categories_daily and agg_brands_daily, so that the
  three add up to the same totals. Counts of people's events leave bots out; money always counts.
#}
{% macro product_measures(dimension) %}
    {%- set is_attribute = dimension != "item_id" -%}
    {%- set value = attribute_of_the_day("rows", dimension) if is_attribute else "coalesce(rows.item_id, '(not set)')" -%}
    with
        shops as (select * from {{ ref("stg_shops") }}),

        {% if is_attribute %} {{ product_ctes() }} {% endif %}

        item_days as (
            select rows.*, {{ value }} as dimension_value
            from
                {{ ref("int_item_days") }} as rows
                {% if is_attribute %} {{ join_product_of_the_day("rows", "rows.event_date") }} {% endif %}
            where {{ in_written_days("rows.event_date") }}
        ),

        activity as (
            select
                shop_id,
                event_date,
                dimension_value as {{ dimension }},
                cast(sum(views) as bigint) as views,
                cast(sum(wishlist_adds) as bigint) as wishlist_adds,
                cast(sum(cart_adds) as bigint) as cart_adds,
                cast(sum(cart_removes) as bigint) as cart_removes
            from item_days
            group by shop_id, event_date, dimension_value
        ),

        lines as (
            select rows.*, {{ value }} as dimension_value, rows.currency = shops.currency as is_own_currency
            from {{ ref("fct_order_items") }} as rows
            inner join
                shops on shops.shop_id = rows.shop_id
                {% if is_attribute %} {{ join_product_of_the_day("rows", "rows.line_date") }} {% endif %}
            where {{ in_written_days("rows.line_date") }}
        ),

        sales as (
            select
                shop_id,
                line_date as event_date,
                dimension_value as {{ dimension }},
                count(distinct case when line_type = 'purchase' then order_id end) as orders,
                count(case when line_type = 'purchase' then 1 end) as order_lines,
                count(
                    case when line_type = 'purchase' and line_amount_minor is null then 1 end
                ) as lines_of_unknown_value,
                cast(sum(case when line_type = 'purchase' then quantity end) as bigint) as units,
                count(case when line_type = 'purchase' and is_own_currency then 1 end) as own_lines,
                cast(
                    sum(
                        case when line_type = 'purchase' and is_own_currency then line_amount_minor end
                    ) as bigint
                ) as revenue_minor,
                count(case when line_type = 'refund' then 1 end) as returns,
                cast(sum(case when line_type = 'refund' then - quantity end) as bigint) as return_units,
                count(case when line_type = 'refund' and is_own_currency then 1 end) as own_returns,
                cast(
                    sum(
                        case when line_type = 'refund' and is_own_currency then - line_amount_minor end
                    ) as bigint
                ) as return_minor
            from lines
            group by shop_id, line_date, dimension_value
        ),

        bots as (
            select shop_id, event_date, visitor_id
            from {{ ref("agg_user_daily") }}
            where is_bot and {{ in_written_days("event_date") }}
        ),

        -- a bot's cart is one whose last step was taken on a day when its visitor was taken for a program
        cart_lines as (
            select rows.*, {{ value }} as dimension_value
            from {{ ref("int_cart_lines") }} as rows
            left join
                bots
                on bots.shop_id = rows.shop_id
                and bots.event_date = rows.last_active_date
                and bots.visitor_id = rows.visitor_id
                {% if is_attribute %}
                    {{ join_product_of_the_day("rows", "rows.last_active_date") }}
                {% endif %}
            where {{ in_written_days("rows.last_active_date") }} and bots.visitor_id is null
        ),

        carts as (
            select
                shop_id,
                last_active_date as event_date,
                dimension_value as {{ dimension }},
                count(distinct cart_id) as carts,
                count(distinct case when units_bought > 0 then cart_id end) as bought_carts,
                count(
                    distinct case when units_left > 0 and not is_bought then cart_id end
                ) as abandoned_carts,
                cast(
                    sum(case when units_left > 0 and not is_bought then units_left else 0 end) as bigint
                ) as abandoned_units,
                cast(
                    sum(case when units_left > 0 and not is_bought then value_minor end) as bigint
                ) as abandoned_value_minor
            from cart_lines
            group by shop_id, last_active_date, dimension_value
        ),

        keys as (
            select shop_id, event_date, {{ dimension }}
            from activity
            union
            select shop_id, event_date, {{ dimension }}
            from sales
            union
            select shop_id, event_date, {{ dimension }}
            from carts
        ),

        joined as (
            select
                keys.shop_id,
                keys.event_date,
                keys.{{ dimension }},
                coalesce(activity.views, 0) as views,
                coalesce(activity.wishlist_adds, 0) as wishlist_adds,
                coalesce(activity.cart_adds, 0) as cart_adds,
                coalesce(activity.cart_removes, 0) as cart_removes,
                coalesce(sales.orders, 0) as orders,
                coalesce(sales.order_lines, 0) as order_lines,
                coalesce(sales.lines_of_unknown_value, 0) as lines_of_unknown_value,
                case when coalesce(sales.order_lines, 0) = 0 then 0 else sales.units end as units,
                case
                    when coalesce(sales.own_lines, 0) = 0 then 0 else sales.revenue_minor
                end as revenue_minor,
                coalesce(sales.returns, 0) as returns,
                case when coalesce(sales.returns, 0) = 0 then 0 else sales.return_units end as return_units,
                case
                    when coalesce(sales.own_returns, 0) = 0 then 0 else sales.return_minor
                end as return_minor,
                coalesce(carts.carts, 0) as carts,
                coalesce(carts.bought_carts, 0) as bought_carts,
                coalesce(carts.abandoned_carts, 0) as abandoned_carts,
                coalesce(carts.abandoned_units, 0) as abandoned_units,
                case
                    when coalesce(carts.abandoned_carts, 0) = 0 then 0 else carts.abandoned_value_minor
                end as abandoned_value_minor
            from keys
            {% for part in ["activity", "sales", "carts"] %}
                left join
                    {{ part }}
                    on {{ part }}.shop_id = keys.shop_id
                    and {{ part }}.event_date = keys.event_date
                    and {{ part }}.{{ dimension }} = keys.{{ dimension }}
            {% endfor %}
        )

    select
        joined.*,
        {{ metric("view_to_cart_rate", "joined") }} as view_to_cart_rate,
        {{ metric("cart_to_buy_rate", "joined") }} as cart_to_buy_rate,
        {{ metric("cart_abandonment_rate", "joined") }} as cart_abandonment_rate,
        shops.currency
    from joined
    inner join shops on shops.shop_id = joined.shop_id
{% endmacro %}

{#
  Features of every customer seen before each date of `as_ofs` (shop_id, as_of). Only rows dated before
  as_of are read. `_7d` counts the seven days up to the day before as_of, and so on.
#}
{% macro customer_features(as_ofs) %}
    {%- set windows = [7, 30, 90, 365] -%}
    {%- set visits = ["sessions", "visit_seconds", "events", "product_views", "searches", "wishlist_adds", "cart_adds", "checkouts"] -%}
    {%- set orders = ["orders_placed", "units", "net_revenue_minor"] -%}
    with
        days as (
            select
                *,
                case when events > 0 then 1 else 0 end as active_days,
                case when cart_adds > 0 and orders_placed = 0 then 1 else 0 end as cart_days_without_order
            from {{ ref("feat_customer_days") }}
        ),

        counted as (
            select
                days.shop_id,
                as_ofs.as_of,
                days.customer_id,
                min(days.event_date) as first_date,
                max(case when days.events > 0 then days.event_date end) as last_active_date,
                {% for count in ["active_days"] + visits + ["cart_days_without_order"] + orders %}
                    {% for window in windows %}
                        cast(
                            coalesce(
                                sum(
                                    case
                                        when days.event_date >= {{ add_days("as_ofs.as_of", -window) }}
                                        then days.{{ count }}
                                    end
                                ),
                                0
                            ) as bigint
                        ) as {{ count }}_{{ window }}d,
                    {% endfor %}
                {% endfor %}
                cast(sum(days.active_days) as bigint) as active_days,
                cast(sum(days.orders_placed) as bigint) as orders_placed,
                cast(
                    sum(days.orders_placed - days.orders_of_unknown_value) as bigint
                ) as orders_of_known_value,
                cast(sum(days.orders_discounted) as bigint) as orders_discounted,
                cast(sum(days.orders_cancelled) as bigint) as orders_cancelled,
                cast(sum(days.gross_minor) as bigint) as gross_minor,
                cast(sum(days.refund_minor) as bigint) as refund_minor,
                cast(sum(days.net_revenue_minor) as bigint) as net_revenue_minor,
                max(days.gross_minor) as greatest_day_minor
            from days
            inner join
                {{ as_ofs }} as as_ofs on as_ofs.shop_id = days.shop_id and days.event_date < as_ofs.as_of
            group by days.shop_id, as_ofs.as_of, days.customer_id
        ),

        order_days as (
            select
                shop_id,
                customer_id,
                event_date,
                lag(event_date) over (partition by shop_id, customer_id order by event_date) as previous_date,
                lead(event_date) over (partition by shop_id, customer_id order by event_date) as next_date
            from days
            where orders_placed > 0
        ),

        bought as (
            select
                order_days.shop_id,
                as_ofs.as_of,
                order_days.customer_id,
                count(*) as order_days,
                min(order_days.event_date) as first_order_date,
                max(order_days.event_date) as last_order_date,
                -- the last order day before as_of is the one with none between: later ones are not read
                max(
                    case
                        when order_days.next_date is null or order_days.next_date >= as_ofs.as_of
                        then {{ days_between("order_days.previous_date", "order_days.event_date") }}
                    end
                ) as last_gap_days
            from order_days
            inner join
                {{ as_ofs }} as as_ofs
                on as_ofs.shop_id = order_days.shop_id
                and order_days.event_date < as_ofs.as_of
            group by order_days.shop_id, as_ofs.as_of, order_days.customer_id
        ),

        -- of visits that count as people's
        wanted as (
            select
                categories.shop_id,
                as_ofs.as_of,
                categories.customer_id,
                count(distinct categories.item_category) as categories_wanted_90d,
                count(distinct categories.item_brand) as brands_wanted_90d
            from {{ ref("int_visitor_category_days") }} as categories
            inner join
                days
                on days.shop_id = categories.shop_id
                and days.event_date = categories.event_date
                and days.customer_id = categories.customer_id
                and days.events > 0
            inner join
                {{ as_ofs }} as as_ofs
                on as_ofs.shop_id = categories.shop_id
                and categories.event_date < as_ofs.as_of
                and categories.event_date >= {{ add_days("as_ofs.as_of", -90) }}
            where categories.cart_adds > 0 or categories.favourites > 0
            group by categories.shop_id, as_ofs.as_of, categories.customer_id
        )

    select
        counted.shop_id,
        counted.as_of,
        counted.customer_id,
        cast({{ days_between("counted.first_date", "counted.as_of") }} as bigint) as tenure_days,
        cast({{ days_between("counted.last_active_date", "counted.as_of") }} as bigint) as days_since_active,
        counted.active_days,
        {% for count in ["active_days"] + visits + ["cart_days_without_order"] + orders %}
            {% for window in windows %} counted.{{ count }}_{{ window }}d, {% endfor %}
        {% endfor %}
        coalesce(wanted.categories_wanted_90d, 0) as categories_wanted_90d,
        coalesce(wanted.brands_wanted_90d, 0) as brands_wanted_90d,
        counted.orders_placed,
        coalesce(bought.order_days, 0) as order_days,
        cast(
            {{ days_between("bought.first_order_date", "counted.as_of") }} as bigint
        ) as days_since_first_order,
        cast(
            {{ days_between("bought.last_order_date", "counted.as_of") }} as bigint
        ) as days_since_last_order,
        {{ ratio(days_between("bought.first_order_date", "bought.last_order_date"), "(bought.order_days - 1)", 2) }}
        as mean_gap_days,
        cast(bought.last_gap_days as bigint) as last_gap_days,
        counted.gross_minor,
        counted.refund_minor,
        counted.net_revenue_minor,
        counted.greatest_day_minor,
        {{ ratio("counted.gross_minor", "counted.orders_of_known_value", 2) }} as mean_order_value_minor,
        {{ ratio("counted.refund_minor", "counted.gross_minor") }} as refund_share,
        {{ ratio("counted.orders_discounted", "counted.orders_placed") }} as discounted_share_of_orders,
        {{ ratio("counted.orders_cancelled", "counted.orders_placed") }} as cancelled_order_share
    from counted
    left join
        bought
        on bought.shop_id = counted.shop_id
        and bought.as_of = counted.as_of
        and bought.customer_id = counted.customer_id
    left join
        wanted
        on wanted.shop_id = counted.shop_id
        and wanted.as_of = counted.as_of
        and wanted.customer_id = counted.customer_id
{% endmacro %}

{{
    config(
        materialized="incremental",
        incremental_strategy="replace_written_days",
        meta={"refresh_class": "written days", "partition_column": "event_date", "days_of": ["fct_sessions", "fct_orders"], "key": ["shop_id", "event_date", "country", "region", "city"]},
    )
}}

{%- set place = ["country", "region", "city"] -%}

with
    shops as (select * from {{ ref("stg_shops") }}),

    visits as (
        select
            shop_id,
            session_date as event_date,
            visitor_id,
            {% for part in place %} coalesce({{ part }}, '(not set)') as {{ part }}, {% endfor %}
            is_bounce,
            cart_adds,
            orders
        from {{ ref("fct_sessions") }}
        where not is_bot and {{ in_written_days("session_date") }}
    ),

    traffic as (
        select
            shop_id,
            event_date,
            {{ place | join(", ") }},
            count(*) as sessions,
            count(distinct visitor_id) as visitors,
            count(case when is_bounce then 1 end) as bounces,
            count(case when cart_adds > 0 then 1 end) as sessions_with_cart,
            count(case when orders > 0 then 1 end) as sessions_with_purchase
        from visits
        group by shop_id, event_date, {{ place | join(", ") }}
    ),

    placed as (
        select
            orders.shop_id,
            orders.order_date as event_date,
            {% for part in place %} coalesce(orders.{{ part }}, '(not set)') as {{ part }}, {% endfor %}
            orders.units,
            {{ order_money("orders", "shops") }}
        from {{ ref("fct_orders") }} as orders
        inner join shops on shops.shop_id = orders.shop_id
        where orders.has_purchase and {{ in_written_days("orders.order_date") }}
    ),

    sales as (
        select shop_id, event_date, {{ place | join(", ") }}, {{ order_sums() }}
        from placed
        group by shop_id, event_date, {{ place | join(", ") }}
    ),

    keys as (
        select shop_id, event_date, {{ place | join(", ") }}
        from traffic
        union
        select shop_id, event_date, {{ place | join(", ") }}
        from sales
    )

select
    keys.shop_id,
    keys.event_date,
    keys.country,
    keys.region,
    keys.city,
    {% for count in ["sessions", "visitors", "bounces", "sessions_with_cart", "sessions_with_purchase"] %}
        coalesce(traffic.{{ count }}, 0) as {{ count }},
    {% endfor %}
    {{ order_figures("sales") }},
    {{ metric("session_conversion_rate", "traffic") }} as session_conversion_rate,
    {{ metric("bounce_rate", "traffic") }} as bounce_rate,
    {{ metric("average_order_value_minor", "sales") }} as average_order_value_minor,
    shops.currency
from keys
inner join shops on shops.shop_id = keys.shop_id
{% for part in ["traffic", "sales"] %}
    left join
        {{ part }}
        on {{ part }}.shop_id = keys.shop_id
        and {{ part }}.event_date = keys.event_date
        and {{ part }}.country = keys.country
        and {{ part }}.region = keys.region
        and {{ part }}.city = keys.city
{% endfor %}

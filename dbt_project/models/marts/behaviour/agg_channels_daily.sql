{{
    config(
        materialized="incremental",
        incremental_strategy="replace_written_days",
        meta={"refresh_class": "written days", "partition_column": "event_date", "days_of": ["fct_sessions", "fct_orders"], "key": ["shop_id", "event_date", "channel_group", "traffic_source", "traffic_medium"]},
    )
}}

{%- set origin = ["channel_group", "traffic_source", "traffic_medium"] -%}

with
    shops as (select * from {{ ref("stg_shops") }}),

    -- an order's session may have begun two days before it, and one after where payment passed midnight
    sessions as (
        select
            shop_id,
            session_date,
            session_id,
            visitor_id,
            {% for part in origin %} coalesce({{ part }}, '(not set)') as {{ part }}, {% endfor %}
            is_bot,
            is_bounce,
            cart_adds,
            orders
        from {{ ref("fct_sessions") }}
        where {{ in_spans("session_date", written_days(), 2, 1) }}
    ),

    traffic as (
        select
            shop_id,
            session_date as event_date,
            {{ origin | join(", ") }},
            count(*) as sessions,
            count(distinct visitor_id) as visitors,
            count(case when is_bounce then 1 end) as bounces,
            count(case when cart_adds > 0 then 1 end) as sessions_with_cart,
            count(case when orders > 0 then 1 end) as sessions_with_purchase
        from sessions
        where not is_bot and {{ in_written_days("session_date") }}
        group by shop_id, session_date, {{ origin | join(", ") }}
    ),

    -- an order belongs to the session in which it was bought: the last touch
    placed as (
        select
            orders.shop_id,
            orders.order_date as event_date,
            {% for part in origin %} coalesce(sessions.{{ part }}, '(not set)') as {{ part }}, {% endfor %}
            orders.units,
            {{ order_money("orders", "shops") }}
        from {{ ref("fct_orders") }} as orders
        inner join shops on shops.shop_id = orders.shop_id
        left join
            sessions
            on sessions.shop_id = orders.shop_id
            and sessions.session_id = orders.session_id
            and sessions.session_date between orders.order_date - 2 and orders.order_date + 1
        where orders.has_purchase and {{ in_written_days("orders.order_date") }}
    ),

    sales as (
        select shop_id, event_date, {{ origin | join(", ") }}, {{ order_sums() }}
        from placed
        group by shop_id, event_date, {{ origin | join(", ") }}
    ),

    keys as (
        select shop_id, event_date, {{ origin | join(", ") }}
        from traffic
        union
        select shop_id, event_date, {{ origin | join(", ") }}
        from sales
    )

select
    keys.shop_id,
    keys.event_date,
    keys.channel_group,
    keys.traffic_source,
    keys.traffic_medium,
    {% for count in ["sessions", "visitors", "bounces", "sessions_with_cart", "sessions_with_purchase"] %}
        coalesce(traffic.{{ count }}, 0) as {{ count }},
    {% endfor %}
    {{ order_figures("sales") }},
    {{ metric("session_conversion_rate", "traffic") }} as session_conversion_rate,
    {{ metric("session_cart_rate", "traffic") }} as session_cart_rate,
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
        and {{ part }}.channel_group = keys.channel_group
        and {{ part }}.traffic_source = keys.traffic_source
        and {{ part }}.traffic_medium = keys.traffic_medium
{% endfor %}

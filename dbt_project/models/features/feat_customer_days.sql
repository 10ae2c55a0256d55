{#
  Point-in-time: a row holds nothing that was dated later than its day. So the customer is the one named on
  the day (a later log-in changes nothing), an order counts as it was known by then, and a visitor is a
  bot by the day's own rules only (the rules about whole sessions look past midnight).
#}
{{
    config(
        schema="features",
        materialized="incremental",
        incremental_strategy="replace_written_days",
        contract={"enforced": true},
        on_schema_change="fail",
        meta={"refresh_class": "written days", "partition_column": "event_date", "days_of": ["int_visitor_days", "int_session_days", "agg_user_daily", "int_order_money_days"], "key": ["shop_id", "event_date", "customer_id"]},
    )
}}

{%- set counts = [
    "events",
    "page_views",
    "product_views",
    "searches",
    "wishlist_adds",
    "cart_adds",
    "checkouts",
] -%}

with
    -- what a session lasts after midnight is not known on the day that it begins
    stays as (
        select
            shop_id,
            event_date,
            visitor_id,
            cast(
                sum({{ epoch_us("last_event_ts") }} - {{ epoch_us("first_event_ts") }}) / 1000000 as bigint
            ) as visit_seconds
        from {{ ref("int_session_days") }}
        where event_date = session_date and {{ in_written_days("session_date") }}
        group by shop_id, event_date, visitor_id
    ),

    visits as (
        select
            days.shop_id,
            days.event_date,
            days.customer_id,
            count(*) as visitors,
            cast(sum(users.sessions) as bigint) as sessions,
            cast(sum(stays.visit_seconds) as bigint) as visit_seconds,
            {% for count in counts %} cast(sum(days.{{ count }}) as bigint) as {{ count }}, {% endfor %}
            max(days.active_hours) as active_hours
        from {{ ref("int_visitor_days") }} as days
        inner join
            {{ ref("agg_user_daily") }} as users
            on users.shop_id = days.shop_id
            and users.event_date = days.event_date
            and users.visitor_id = days.visitor_id
            and {{ in_written_days("users.event_date") }}
        left join
            stays
            on stays.shop_id = days.shop_id
            and stays.event_date = days.event_date
            and stays.visitor_id = days.visitor_id
        where
            days.customer_id is not null
            and not (days.is_program or days.is_round_the_clock or days.is_in_swarm)
            and {{ in_written_days("days.event_date") }}
        group by days.shop_id, days.event_date, days.customer_id
    ),

    orders as (
        select
            shop_id,
            movement_date as event_date,
            customer_id,
            cast(sum(orders_placed) as bigint) as orders_placed,
            cast(sum(orders_discounted) as bigint) as orders_discounted,
            cast(sum(orders_cancelled) as bigint) as orders_cancelled,
            cast(sum(orders_of_unknown_value) as bigint) as orders_of_unknown_value,
            cast(sum(units) as bigint) as units,
            cast(sum(discount_minor) as bigint) as discount_minor,
            cast(sum(gross_minor) as bigint) as gross_minor,
            cast(sum(refund_minor) as bigint) as refund_minor
        from {{ ref("int_order_money_days") }}
        where customer_id is not null and {{ in_written_days("movement_date") }}
        group by shop_id, movement_date, customer_id
    )

select
    coalesce(visits.shop_id, orders.shop_id) as shop_id,
    coalesce(visits.event_date, orders.event_date) as event_date,
    coalesce(visits.customer_id, orders.customer_id) as customer_id,

    -- behaviour
    coalesce(visits.visitors, 0) as visitors,
    coalesce(visits.sessions, 0) as sessions,
    coalesce(visits.visit_seconds, 0) as visit_seconds,
    {% for count in counts %} coalesce(visits.{{ count }}, 0) as {{ count }}, {% endfor %}
    coalesce(visits.active_hours, 0) as active_hours,

    -- orders
    coalesce(orders.orders_placed, 0) as orders_placed,
    coalesce(orders.orders_discounted, 0) as orders_discounted,
    coalesce(orders.orders_cancelled, 0) as orders_cancelled,
    coalesce(orders.orders_of_unknown_value, 0) as orders_of_unknown_value,
    orders.units,
    orders.discount_minor,
    orders.gross_minor,
    orders.refund_minor,
    orders.gross_minor - coalesce(orders.refund_minor, 0) as net_revenue_minor
from visits
full join
    orders
    on orders.shop_id = visits.shop_id
    and orders.event_date = visits.event_date
    and orders.customer_id = visits.customer_id

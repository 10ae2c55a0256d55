{#
  The touches of the orders to be credited: sessions of the order's person, people's and not programs', that
  began in the days up to the order. The session in which the order was placed is always one, also where
  somebody else logged in during it. An order without any has one row, number 0.
#}
{{ config(materialized="table", tags=["whole"], meta={"refresh_class": "per run"}) }}

{%- set days = attribution_window_days() -%}

with
    identities as (
        select shop_id, anonymous_id, customer_id from {{ ref("dim_identities") }} where is_merged
    ),

    orders as (
        select
            orders.shop_id,
            orders.order_id,
            orders.order_date,
            orders.ordered_at,
            orders.session_id,
            orders.currency,
            orders.net_revenue_minor,
            {{ person_id("orders", "identities") }} as person_id,
            coalesce(orders.customer_id, identities.customer_id) is not null as is_known_person
        from {{ ref("fct_orders") }} as orders
        inner join
            {{ ref("int_attribution_touched") }} as touched
            on touched.shop_id = orders.shop_id
            and touched.order_id = orders.order_id
        left join
            identities on identities.shop_id = orders.shop_id and identities.anonymous_id = orders.visitor_id
        where orders.has_purchase
    ),

    -- the days on which a touch of these orders may have begun: sessions are read for no others
    order_days as (select distinct shop_id, order_date from orders),

    session_days as (
        {% for day in range(-1, days + 2) %}
            select shop_id, cast(order_date - interval '{{ day }}' day as date) as session_date
            from order_days {{ "union" if not loop.last }}
        {% endfor %}
    ),

    sessions as (
        select sessions.*
        from {{ ref("fct_sessions") }} as sessions
        inner join
            session_days
            on session_days.shop_id = sessions.shop_id
            and session_days.session_date = sessions.session_date
        where not sessions.is_bot
    ),

    {{ touch_ctes() }},

    numbered as (
        select
            *,
            row_number() over (
                partition by shop_id, order_id order by session_start_ts, session_id
            ) as touch_number,
            count(*) over (partition by shop_id, order_id) as touches
        from touches
    )

select
    orders.shop_id,
    orders.order_id,
    orders.order_date,
    orders.ordered_at,
    orders.person_id,
    orders.is_known_person,
    orders.currency,
    orders.net_revenue_minor,
    touches.session_id,
    coalesce(touches.touch_number, 0) as touch_number,
    coalesce(touches.touches, 0) as touches,
    touches.session_start_ts as touch_started_at,
    coalesce(touches.channel_group, '(none)') as channel_group,
    coalesce(touches.traffic_source, '(none)') as traffic_source,
    coalesce(touches.traffic_medium, '(none)') as traffic_medium,
    touches.utm_campaign
from orders
left join numbered as touches on touches.shop_id = orders.shop_id and touches.order_id = orders.order_id

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

    buyers as (select distinct shop_id, person_id, is_known_person from orders where person_id is not null),

    -- sessions that name nobody are told by their device
    buyers_devices as (
        select
            buyers.shop_id, identities.anonymous_id as visitor_id, buyers.person_id, true as is_known_person
        from buyers
        inner join
            identities on identities.shop_id = buyers.shop_id and identities.customer_id = buyers.person_id
        where buyers.is_known_person
        union all
        select shop_id, person_id as visitor_id, person_id, false as is_known_person
        from buyers
        where not is_known_person
    ),

    of_persons as (
        select
            sessions.shop_id,
            sessions.session_id,
            sessions.session_start_ts,
            coalesce(sessions.customer_id, devices.person_id) as person_id,
            sessions.customer_id is not null or devices.is_known_person as is_known_person,
            sessions.channel_group,
            sessions.traffic_source,
            sessions.traffic_medium,
            sessions.utm_campaign
        from sessions
        left join
            buyers_devices as devices
            on devices.shop_id = sessions.shop_id
            and devices.visitor_id = sessions.visitor_id
    ),

    of_the_person as (
        select
            orders.shop_id,
            orders.order_id,
            sessions.session_id,
            sessions.session_start_ts,
            sessions.channel_group,
            sessions.traffic_source,
            sessions.traffic_medium,
            sessions.utm_campaign
        from of_persons as sessions
        inner join
            orders
            on orders.shop_id = sessions.shop_id
            and orders.person_id = sessions.person_id
            and orders.is_known_person = sessions.is_known_person
        where
            sessions.session_start_ts <= orders.ordered_at
            and sessions.session_start_ts > orders.ordered_at - interval '{{ days }}' day
    ),

    touches as (
        select *
        from of_the_person
        union all
        select
            orders.shop_id,
            orders.order_id,
            sessions.session_id,
            sessions.session_start_ts,
            sessions.channel_group,
            sessions.traffic_source,
            sessions.traffic_medium,
            sessions.utm_campaign
        from orders
        inner join sessions on sessions.shop_id = orders.shop_id and sessions.session_id = orders.session_id
        where
            sessions.session_start_ts <= orders.ordered_at
            and sessions.session_start_ts > orders.ordered_at - interval '{{ days }}' day
            and not exists (
                select 1
                from of_the_person
                where
                    of_the_person.shop_id = orders.shop_id
                    and of_the_person.order_id = orders.order_id
                    and of_the_person.session_id = orders.session_id
            )
    ),

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

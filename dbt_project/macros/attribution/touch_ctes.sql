{#
  Common table expressions that end in `touches`: which of `sessions` are touches of which of `orders`. To be
  put after the expressions `orders` (shop_id, order_id, ordered_at, session_id, person_id, is_known_person),
  `sessions` (columns of fct_sessions, people's alone) and `identities` (merged devices).
#}
{% macro touch_ctes() %}
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
            and sessions.session_start_ts > orders.ordered_at - interval '{{ attribution_window_days() }}' day
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
            and sessions.session_start_ts > orders.ordered_at - interval '{{ attribution_window_days() }}' day
            and not exists (
                select 1
                from of_the_person
                where
                    of_the_person.shop_id = orders.shop_id
                    and of_the_person.order_id = orders.order_id
                    and of_the_person.session_id = orders.session_id
            )
    )
{% endmacro %}

{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "activity_date", "reach": "sessions", "key": ["shop_id", "activity_date", "hour"]},
    )
}}

with
    events as (
        select shop_id, event_date, event_hour, visitor_id, event_name, order_id
        from {{ ref("int_events") }} as events
        where
            is_event_head
            and visitor_id is not null
            and {{ in_event_window("sessions") }}
            and {{ of_people("events", "sessions") }}
    ),

    visitor_hours as (
        select
            shop_id,
            event_date,
            event_hour,
            visitor_id,
            count(*) as events,
            {{ count_events(["add_to_cart"]) }} as cart_adds
        from events
        group by shop_id, event_date, event_hour, visitor_id
    ),

    -- a purchase page that is loaded again is the same order
    bought as (
        select shop_id, event_date, event_hour, count(*) as purchases
        from
            (
                select distinct shop_id, event_date, event_hour, visitor_id, order_id
                from events
                where event_name = 'purchase'
            ) as orders
        group by shop_id, event_date, event_hour
    ),

    hours as (
        select
            shop_id,
            event_date,
            event_hour,
            cast(sum(events) as bigint) as events,
            count(*) as visitors,
            cast(sum(cart_adds) as bigint) as cart_adds
        from visitor_hours
        group by shop_id, event_date, event_hour
    ),

    begun as (
        select sessions.shop_id, sessions.event_date, sessions.event_hour, count(*) as sessions
        from
            (
                select
                    sessions.shop_id,
                    sessions.session_date as event_date,
                    extract(
                        hour from {{ local_time("sessions.session_start_ts", "shops.timezone") }}
                    ) as event_hour
                from {{ ref("fct_sessions") }} as sessions
                inner join {{ ref("stg_shops") }} as shops on shops.shop_id = sessions.shop_id
                where not sessions.is_bot and {{ in_window("sessions.session_date", "sessions") }}
            ) as sessions
        group by sessions.shop_id, sessions.event_date, sessions.event_hour
    )

select
    hours.shop_id,
    hours.event_date as activity_date,
    cast(hours.event_hour as bigint) as hour,
    cast({{ weekday("hours.event_date") }} + 1 as bigint) as weekday,
    hours.events,
    hours.visitors,
    coalesce(begun.sessions, 0) as sessions,
    hours.cart_adds,
    coalesce(bought.purchases, 0) as purchases
from hours
left join
    begun
    on begun.shop_id = hours.shop_id
    and begun.event_date = hours.event_date
    and begun.event_hour = hours.event_hour
left join
    bought
    on bought.shop_id = hours.shop_id
    and bought.event_date = hours.event_date
    and bought.event_hour = hours.event_hour

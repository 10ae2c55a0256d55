{# The hours of a day hold all its events, cart adds and sessions, once. #}
{% test hours_add_up_to_days(model) %}
    with
        hours as (
            select
                shop_id,
                activity_date as event_date,
                sum(events) as events,
                sum(cart_adds) as cart_adds,
                sum(sessions) as sessions
            from {{ model }}
            where {{ tested_window() }}
            group by shop_id, activity_date
        ),

        days as (
            select shop_id, event_date, events, cart_adds, sessions
            from {{ ref("int_traffic_daily") }}
            where {{ in_window("event_date", "sessions") }} and events > 0
        )

    select shop_id, event_date, hours.events, days.events as events_of_day
    from hours
    full join days using (shop_id, event_date)
    where
        hours.events is distinct from days.events
        or hours.cart_adds is distinct from days.cart_adds
        or hours.sessions is distinct from days.sessions
{% endtest %}

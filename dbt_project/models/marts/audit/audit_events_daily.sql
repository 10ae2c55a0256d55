{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "session_events", "key": ["shop_id", "event_date"]},
    )
}}

with
    events as (
        select
            shop_id,
            event_date,
            count(*) as event_rows,
            count(case when is_event_head then 1 end) as events,
            count(case when is_event_head and visitor_id is null then 1 end) as events_without_visitor
        from {{ ref("int_events") }}
        where {{ in_event_window("session_events") }}
        group by shop_id, event_date
    ),

    in_session as (
        select shop_id, event_date, cast(sum(events) as bigint) as events_in_session
        from {{ ref("int_session_days") }}
        where
            {{ in_window("event_date", "session_events") }}
            and {{ in_window("session_date", "session_events", 2, 0) }}
        group by shop_id, event_date
    )

select
    events.shop_id,
    events.event_date,
    events.event_rows,
    events.events,
    coalesce(in_session.events_in_session, 0) as events_in_session,
    events.events_without_visitor,
    events.events
    - coalesce(in_session.events_in_session, 0)
    - events.events_without_visitor as events_past_session_cap
from events
left join in_session on in_session.shop_id = events.shop_id and in_session.event_date = events.event_date

{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "sessions"},
    )
}}

{%- set bots = var("bots") -%}

with
    days as (
        select shop_id, event_date, visitor_id, is_program, is_round_the_clock, is_in_swarm
        from {{ ref("int_visitor_days") }}
        where {{ in_window("event_date", "sessions") }} and (is_program or is_round_the_clock or is_in_swarm)
    ),

    -- a session that reaches into the window may begin two days before it
    session_days as (
        select * from {{ ref("int_session_days") }} where {{ in_window("session_date", "sessions", 2, 0) }}
    ),

    sessions as (
        select
            shop_id,
            visitor_id,
            session_start_ts,
            sum(events) as events,
            {{ epoch_us("max(last_event_ts)") }} - {{ epoch_us("session_start_ts") }} as duration_us
        from session_days
        group by shop_id, visitor_id, session_start_ts
    ),

    -- a clock that tells no more than the hour says nothing of a rate
    judged as (
        select
            *,
            events >= {{ bots.session_events }}
            and duration_us > 0
            and events * 60000000 >= duration_us * {{ bots.events_per_minute }} as is_fast,
            duration_us >= {{ bots.session_minutes * 60000000 }} as is_at_cap
        from sessions
    ),

    -- such a session speaks for its visitor on every day that it touches
    caught as (
        select
            session_days.shop_id,
            session_days.event_date,
            session_days.visitor_id,
            bool_or(judged.is_fast) as is_fast,
            bool_or(judged.is_at_cap) as is_at_cap
        from session_days
        inner join
            judged
            on judged.shop_id = session_days.shop_id
            and judged.visitor_id = session_days.visitor_id
            and judged.session_start_ts = session_days.session_start_ts
        where (judged.is_fast or judged.is_at_cap) and {{ in_window("session_days.event_date", "sessions") }}
        group by session_days.shop_id, session_days.event_date, session_days.visitor_id
    )

select
    coalesce(days.shop_id, caught.shop_id) as shop_id,
    coalesce(days.event_date, caught.event_date) as event_date,
    coalesce(days.visitor_id, caught.visitor_id) as visitor_id,
    -- the first rule that is broken
    case
        when days.is_program
        then 'user_agent'
        when caught.is_fast
        then 'event_rate'
        when caught.is_at_cap
        then 'session_cap'
        when days.is_round_the_clock
        then 'round_the_clock'
        else 'one_hit_swarm'
    end as bot_reason
from days
full join
    caught
    on caught.shop_id = days.shop_id
    and caught.event_date = days.event_date
    and caught.visitor_id = days.visitor_id

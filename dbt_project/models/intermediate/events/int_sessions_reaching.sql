{#
  Sessions that come to their n-th event (`vars: intent`), with when that is: a part of int_session_starts in a file
  of its own. To rank events would cost three times as much as to keep the n smallest times of each session.
#}
{{ config(materialized="ephemeral") }}

{%- set at_event = var("intent").at_event -%}

with
    days as (select * from {{ ref("int_session_days") }} where {{ in_window("session_date", "sessions") }}),

    -- by the rules of the day alone: those on whole sessions look past midnight
    programs as (
        select shop_id, event_date, visitor_id
        from {{ ref("int_visitor_days") }}
        where {{ in_window("event_date", "sessions") }} and (is_program or is_round_the_clock or is_in_swarm)
    ),

    long_enough as (
        select shop_id, visitor_id, session_start_ts
        from days
        group by shop_id, visitor_id, session_start_ts
        having sum(events) >= {{ at_event }}
    ),

    session_days as (
        select
            days.shop_id,
            days.session_date,
            days.visitor_id,
            days.session_start_ts,
            days.event_date,
            days.first_event_ts,
            days.last_event_ts
        from days
        inner join
            long_enough
            on long_enough.shop_id = days.shop_id
            and long_enough.visitor_id = days.visitor_id
            and long_enough.session_start_ts = days.session_start_ts
        left join
            programs
            on programs.shop_id = days.shop_id
            and programs.event_date = days.session_date
            and programs.visitor_id = days.visitor_id
        where programs.visitor_id is null
    ),

    heads as (
        select shop_id, visitor_id, event_date, event_ts
        from {{ ref("int_events") }}
        where is_event_head and visitor_id is not null and {{ in_event_window("sessions", 0, 2) }}
    ),

    times as (
        select
            heads.shop_id,
            heads.visitor_id,
            session_days.session_start_ts,
            {{ smallest_values("heads.event_ts", at_event) }} as first_times
        from heads
        inner join session_days on {{ in_session_day("heads", "session_days") }}
        group by heads.shop_id, heads.visitor_id, session_days.session_start_ts
    ),

    reached as (
        select
            shop_id,
            visitor_id,
            session_start_ts,
            {{ element_of_list("first_times", at_event) }} as at_event_ts,
            {% for number in range(1, at_event + 1) %}
                {{ epoch_us(element_of_list("first_times", number)) }}
                as us_{{ number }} {{ "," if not loop.last }}
            {% endfor %}
        from times
    )

select
    session_days.*,
    reached.at_event_ts,
    reached.us_{{ at_event }} - reached.us_1 as elapsed_us,
    greatest(
        0
        {% for number in range(2, at_event + 1) %}
            , reached.us_{{ number }} - reached.us_{{ number - 1 }}
        {% endfor %}
    ) as longest_gap_us
from session_days
inner join
    reached
    on reached.shop_id = session_days.shop_id
    and reached.visitor_id = session_days.visitor_id
    and reached.session_start_ts = session_days.session_start_ts

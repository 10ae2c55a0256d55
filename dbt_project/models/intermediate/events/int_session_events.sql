{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "session_date", "reach": "sessions"},
    )
}}

{%- set gap = "interval '30' minute" -%}
{%- set cap = "interval '24' hour" -%}

with
    -- From the day before the first session day (its last 30 minutes decide whether a visit shortly
    -- after midnight is a continuation) to two days after the last (24 hours can touch three days).
    visits as (
        select shop_id, visitor_id, event_id, event_ts, event_date
        from {{ ref("int_events") }}
        where visitor_id is not null and is_event_head and {{ in_event_window("sessions", 1, 2) }}
    ),

    gaps as (
        select *, lag(event_ts) over (partition by shop_id, visitor_id order by event_ts) as previous_ts
        from visits
    ),

    -- An event starts a session when nothing happened in the 30 minutes before it. Peers in time
    -- share the frame, so their order does not matter.
    starts as (
        select
            *,
            max(case when previous_ts is null or event_ts > previous_ts + {{ gap }} then event_ts end) over (
                partition by shop_id, visitor_id
                order by event_ts
                range between unbounded preceding and current row
            ) as session_start_ts
        from gaps
    ),

    members as (
        select
            starts.shop_id,
            {{ local_date("starts.session_start_ts", "shops.timezone") }} as session_date,
            {{ hash_key(["starts.shop_id", "starts.visitor_id", epoch_us("starts.session_start_ts")]) }}
            as session_id,
            starts.session_start_ts,
            starts.visitor_id,
            starts.event_id,
            starts.event_ts,
            starts.event_date
        from starts
        inner join {{ ref("stg_shops") }} as shops on shops.shop_id = starts.shop_id
        where starts.event_ts <= starts.session_start_ts + {{ cap }}
    )

select *
from members
where {{ in_window("session_date", "sessions") }}

{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "session_date", "reach": "sessions"},
    )
}}

{#
  To sort all events is what costs most, so whole runs are sorted instead: events of one day of a visitor
  with no gap between. Most visitors' days are not longer than a gap, and so one run without looking closer;
  only the others' events are looked at one by one.
#}
{%- set gap = "interval '30' minute" -%}
{%- set cap = "interval '24' hour" -%}
{%- set counts = {
    "page_views": ["page_view"],
    "product_views": ["view_item"],
    "searches": ["search"],
    "wishlist_adds": ["add_to_wishlist"],
    "cart_adds": ["add_to_cart"],
    "checkouts": ["begin_checkout"],
} -%}
{%- set counted -%}
    max(event_ts) as last_event_ts,
    count(*) as events,
    {% for name, events in counts.items() %}
        {{ count_events(events) }} as {{ name }} {{ "," if not loop.last }}
    {% endfor %}
{%- endset -%}
{%- set sums = ["events"] + counts | list -%}

{#-
  From the day before the first session day (its last 30 minutes decide whether a visit shortly after midnight
  is a continuation) to two days after the last (24 hours can touch three days). Written out where it is read:
  as a CTE it would be held.
-#}
{%- set visits -%}
    (
        select shop_id, visitor_id, event_date, event_ts, event_name
        from {{ ref("int_events") }}
        where visitor_id is not null and is_event_head and {{ in_event_window("sessions", 1, 2) }}
    )
{%- endset -%}

with
    visitor_days as (
        select shop_id, visitor_id, event_date, min(event_ts) as first_event_ts, {{ counted }}
        from {{ visits }} as visits
        group by shop_id, visitor_id, event_date
    ),

    long_days as (
        select shop_id, visitor_id, event_date
        from visitor_days
        where last_event_ts > first_event_ts + {{ gap }}
    ),

    gaps as (
        select
            visits.*,
            lag(visits.event_ts) over (
                partition by visits.shop_id, visits.visitor_id, visits.event_date order by visits.event_ts
            ) as previous_ts
        from {{ visits }} as visits
        inner join
            long_days
            on long_days.shop_id = visits.shop_id
            and long_days.visitor_id = visits.visitor_id
            and long_days.event_date = visits.event_date
    ),

    -- Peers in time share the frame, so their order does not matter.
    placed as (
        select
            *,
            max(case when previous_ts is null or event_ts > previous_ts + {{ gap }} then event_ts end) over (
                partition by shop_id, visitor_id, event_date
                order by event_ts
                range between unbounded preceding and current row
            ) as run_start_ts
        from gaps
    ),

    runs as (
        select *
        from visitor_days
        where last_event_ts <= first_event_ts + {{ gap }}
        union all
        select shop_id, visitor_id, event_date, run_start_ts as first_event_ts, {{ counted }}
        from placed
        group by shop_id, visitor_id, event_date, run_start_ts
    ),

    run_gaps as (
        select
            *,
            lag(last_event_ts) over (
                partition by {{ visitor_marks() }} order by first_event_ts
            ) as previous_ts
        from runs
    ),

    -- A run starts a session when nothing happened in the 30 minutes before it.
    starts as (
        select
            *,
            max(
                case
                    when previous_ts is null or first_event_ts > previous_ts + {{ gap }} then first_event_ts
                end
            ) over (
                partition by {{ visitor_marks() }}
                order by first_event_ts
                range between unbounded preceding and current row
            ) as session_start_ts
        from run_gaps
    ),

    -- of a run that the cap cuts in two, the events before it
    cut as (
        select
            starts.shop_id,
            starts.visitor_id,
            starts.event_date,
            starts.session_start_ts,
            visits.event_ts,
            visits.event_name
        from {{ visits }} as visits
        inner join
            starts
            on starts.shop_id = visits.shop_id
            and starts.visitor_id = visits.visitor_id
            and starts.event_date = visits.event_date
            and visits.event_ts between starts.first_event_ts and starts.session_start_ts + {{ cap }}
        where starts.last_event_ts > starts.session_start_ts + {{ cap }}
    ),

    parts as (
        select
            shop_id,
            visitor_id,
            session_start_ts,
            event_date,
            first_event_ts,
            last_event_ts,
            {{ sums | join(", ") }}
        from starts
        where last_event_ts <= session_start_ts + {{ cap }}
        union all
        select
            shop_id, visitor_id, session_start_ts, event_date, min(event_ts) as first_event_ts, {{ counted }}
        from cut
        group by shop_id, visitor_id, session_start_ts, event_date
    ),

    -- a session has one run on a day: between two of them lies a gap
    dated as (
        select
            parts.shop_id,
            {{ local_date("parts.session_start_ts", "shops.timezone") }} as session_date,
            parts.visitor_id,
            parts.session_start_ts,
            parts.event_date,
            parts.first_event_ts,
            parts.last_event_ts,
            parts.{{ sums | join(", parts.") }}
        from parts
        inner join {{ ref("stg_shops") }} as shops on shops.shop_id = parts.shop_id
    )

select *
from dated
where {{ in_window("session_date", "sessions") }}

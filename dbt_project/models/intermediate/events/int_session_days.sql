{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "session_date", "reach": "sessions"},
    )
}}

{#
  Events are sorted by two numbers instead of shop and visitor, whose text would take half as long again:
  two visitors of one run are taken for one once in 10^24 runs.
#}
{%- set visitor = ["shop_mark", "visitor_mark"] | join(", ") -%}
{%- set gap = "interval '30' minute" -%}
{%- set cap = "interval '24' hour" -%}

with
    -- From the day before the first session day (its last 30 minutes decide whether a visit shortly
    -- after midnight is a continuation) to two days after the last (24 hours can touch three days).
    visits as (
        select
            shop_id,
            visitor_id,
            event_ts,
            event_date,
            event_name,
            {{ row_mark(["shop_id", "visitor_id"]) }} as shop_mark,
            {{ row_mark(["'.' || visitor_id"]) }} as visitor_mark
        from {{ ref("int_events") }}
        where visitor_id is not null and is_event_head and {{ in_event_window("sessions", 1, 2) }}
    ),

    gaps as (
        select *, lag(event_ts) over (partition by {{ visitor }} order by event_ts) as previous_ts from visits
    ),

    -- An event starts a session when nothing happened in the 30 minutes before it. Peers in time
    -- share the frame, so their order does not matter.
    starts as (
        select
            *,
            max(case when previous_ts is null or event_ts > previous_ts + {{ gap }} then event_ts end) over (
                partition by {{ visitor }} order by event_ts range between unbounded preceding and current row
            ) as session_start_ts
        from gaps
    ),

    days as (
        select
            shop_id,
            visitor_id,
            session_start_ts,
            event_date,
            min(event_ts) as first_event_ts,
            max(event_ts) as last_event_ts,
            count(*) as events,
            {{ count_events(["page_view"]) }} as page_views,
            {{ count_events(["view_item"]) }} as product_views,
            {{ count_events(["search"]) }} as searches,
            {{ count_events(["add_to_wishlist"]) }} as wishlist_adds,
            {{ count_events(["add_to_cart"]) }} as cart_adds,
            {{ count_events(["begin_checkout"]) }} as checkouts
        from starts
        where event_ts <= session_start_ts + {{ cap }}
        group by shop_id, visitor_id, session_start_ts, event_date
    ),

    dated as (
        select
            days.shop_id,
            {{ local_date("days.session_start_ts", "shops.timezone") }} as session_date,
            days.visitor_id,
            days.session_start_ts,
            days.event_date,
            days.first_event_ts,
            days.last_event_ts,
            days.events,
            days.page_views,
            days.product_views,
            days.searches,
            days.wishlist_adds,
            days.cart_adds,
            days.checkouts
        from days
        inner join {{ ref("stg_shops") }} as shops on shops.shop_id = days.shop_id
    )

select *
from dated
where {{ in_window("session_date", "sessions") }}

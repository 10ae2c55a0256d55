{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "funnel_date", "reach": "visitor_funnels"},
    )
}}

{%- set marks = ["is_carted", "is_checked_out", "is_purchased", "has_cart", "has_checkout", "has_purchase"] -%}

with
    marks as (select * from {{ ref("int_funnel_visitors") }}),

    visitor_days as ({{ visitor_types("visitor_funnels") }}),

    -- a visitor's day is of the channel, device and place of the first session that touches it
    first_sessions as (
        select *
        from
            (
                select
                    *,
                    row_number() over (
                        partition by shop_id, event_date, visitor_id order by session_start_ts
                    ) as place
                from ({{ session_days("visitor_funnels", 2, 0) }}) as sessions
            ) as ranked
        where place = 1
    ),

    entered as (
        select
            visitor_days.shop_id,
            visitor_days.event_date as funnel_date,
            first_sessions.channel_group as channel,
            first_sessions.device,
            first_sessions.country,
            first_sessions.region,
            visitor_days.visitor_type,
            visitor_days.first_view_ts is not null as is_viewed,
            {% for mark in marks %}
                coalesce(marks.{{ mark }}, false) as {{ mark }} {{ "," if not loop.last }}
            {% endfor %}
        from visitor_days
        left join
            first_sessions
            on first_sessions.shop_id = visitor_days.shop_id
            and first_sessions.event_date = visitor_days.event_date
            and first_sessions.visitor_id = visitor_days.visitor_id
        left join
            marks
            on marks.shop_id = visitor_days.shop_id
            and marks.funnel_date = visitor_days.event_date
            and marks.visitor_id = visitor_days.visitor_id
            and marks.category = ''
        where not visitor_days.is_bot
    ),

    viewers as (
        select distinct shop_id, event_date as funnel_date, visitor_id, category
        from {{ ref("int_funnel_views") }} as views
        where
            {{ in_window("session_date", "visitor_funnels", 2, 0) }}
            and {{ in_window("event_date", "visitor_funnels") }}
            -- a session of the evening before may be a person's, and the day a program's
            and {{ of_people("views", "visitor_funnels") }}
    ),

    counted as ({{ funnel_counts("visitor", "entered", "viewers", "marks", "funnel_date") }})

select *
from counted

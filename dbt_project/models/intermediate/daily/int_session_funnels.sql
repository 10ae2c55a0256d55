{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "funnel_date", "reach": "session_funnels"},
    )
}}

{%- set marks = ["is_carted", "is_checked_out", "is_purchased", "has_cart", "has_checkout", "has_purchase"] -%}

with
    marks as (select * from {{ ref("int_funnel_sessions") }}),

    visitor_days as ({{ visitor_types("session_funnels") }}),

    entered as (
        select
            sessions.shop_id,
            sessions.session_date as funnel_date,
            sessions.channel_group as channel,
            sessions.device,
            sessions.country,
            sessions.region,
            visitor_days.visitor_type,
            sessions.product_views > 0 as is_viewed,
            {% for mark in marks %}
                coalesce(marks.{{ mark }}, false) as {{ mark }} {{ "," if not loop.last }}
            {% endfor %}
        from {{ ref("fct_sessions") }} as sessions
        left join
            visitor_days
            on visitor_days.shop_id = sessions.shop_id
            and visitor_days.event_date = sessions.session_date
            and visitor_days.visitor_id = sessions.visitor_id
        left join
            marks
            on marks.shop_id = sessions.shop_id
            and marks.session_date = sessions.session_date
            and marks.visitor_id = sessions.visitor_id
            and marks.session_start_ts = sessions.session_start_ts
            and marks.category = ''
        where not sessions.is_bot and {{ in_window("sessions.session_date", "session_funnels") }}
    ),

    -- a session that went on after midnight may view a category on both days
    viewers as (
        select shop_id, session_date as funnel_date, category
        from {{ ref("int_funnel_views") }}
        where event_date = session_date and {{ in_window("session_date", "session_funnels") }}
        union all
        select shop_id, session_date as funnel_date, category
        from
            (
                select distinct
                    later.shop_id,
                    later.session_date,
                    later.visitor_id,
                    later.session_start_ts,
                    later.category
                from {{ ref("int_funnel_views") }} as later
                where
                    later.event_date <> later.session_date
                    and {{ in_window("later.session_date", "session_funnels") }}
                    and not exists (
                        select 1
                        from {{ ref("int_funnel_views") }} as views
                        where
                            views.event_date = views.session_date
                            and {{ in_window("views.session_date", "session_funnels") }}
                            and views.shop_id = later.shop_id
                            and views.session_date = later.session_date
                            and views.visitor_id = later.visitor_id
                            and views.session_start_ts = later.session_start_ts
                            and views.category = later.category
                    )
            ) as only_later
    ),

    counted as ({{ funnel_counts("session", "entered", "viewers", "marks", "session_date") }})

select *
from counted

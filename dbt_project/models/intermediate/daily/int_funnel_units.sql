{#
  Every session and every visitor's day of people with what it is of and how far it came, as a whole.
#}
{{ config(materialized="ephemeral") }}

{%- set returning_days = var("returning_days") -%}
{%- set marks = ["is_viewed", "is_carted", "is_checked_out", "is_purchased", "has_cart", "has_checkout", "has_purchase"] -%}

with
    session_marks as (select * from {{ ref("int_funnel_sessions") }}),

    visitor_marks as (select * from {{ ref("int_funnel_visitors") }}),

    -- returning: seen on a day not longer ago than so many days
    visitor_days as (
        select *
        from
            (
                select
                    shop_id,
                    event_date,
                    visitor_id,
                    first_view_ts,
                    is_bot,
                    case
                        when
                            lag(event_date) over (partition by shop_id, visitor_id order by event_date)
                            >= event_date - {{ returning_days }}
                        then 'returning'
                        else 'new'
                    end as visitor_type
                from {{ ref("agg_user_daily") }}
                where {{ in_window("event_date", "funnel", returning_days, 0) }}
            ) as seen
        where {{ in_window("event_date", "funnel") }}
    ),

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
                from ({{ session_days("funnel", 2, 0) }}) as sessions
            ) as ranked
        where place = 1
    )

select
    sessions.shop_id,
    sessions.session_date as funnel_date,
    'session' as unit,
    sessions.channel_group as channel,
    sessions.device,
    sessions.country,
    sessions.region,
    visitor_days.visitor_type,
    sessions.product_views > 0 as is_viewed,
    {% for mark in marks[1:] %}
        coalesce(marks.{{ mark }}, false) as {{ mark }}{{ "," if not loop.last }}
    {% endfor %}
from {{ ref("fct_sessions") }} as sessions
left join
    visitor_days
    on visitor_days.shop_id = sessions.shop_id
    and visitor_days.event_date = sessions.session_date
    and visitor_days.visitor_id = sessions.visitor_id
left join
    session_marks as marks
    on marks.shop_id = sessions.shop_id
    and marks.session_date = sessions.session_date
    and marks.visitor_id = sessions.visitor_id
    and marks.session_start_ts = sessions.session_start_ts
    and marks.category = ''
where not sessions.is_bot and {{ in_window("sessions.session_date", "funnel") }}

union all

select
    visitor_days.shop_id,
    visitor_days.event_date as funnel_date,
    'visitor' as unit,
    first_sessions.channel_group as channel,
    first_sessions.device,
    first_sessions.country,
    first_sessions.region,
    visitor_days.visitor_type,
    visitor_days.first_view_ts is not null as is_viewed,
    {% for mark in marks[1:] %}
        coalesce(marks.{{ mark }}, false) as {{ mark }}{{ "," if not loop.last }}
    {% endfor %}
from visitor_days
left join
    first_sessions
    on first_sessions.shop_id = visitor_days.shop_id
    and first_sessions.event_date = visitor_days.event_date
    and first_sessions.visitor_id = visitor_days.visitor_id
left join
    visitor_marks as marks
    on marks.shop_id = visitor_days.shop_id
    and marks.funnel_date = visitor_days.event_date
    and marks.visitor_id = visitor_days.visitor_id
    and marks.category = ''
where not visitor_days.is_bot

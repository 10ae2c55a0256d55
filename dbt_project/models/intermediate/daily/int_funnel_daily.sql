{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "funnel_date", "reach": "funnel"},
    )
}}

{%- set returning_days = var("returning_days", 30) -%}
{%- set dimensions = ["channel", "device", "country", "region", "visitor_type"] -%}
{%- set marks = ["is_viewed", "is_carted", "is_checked_out", "is_purchased", "has_cart", "has_checkout", "has_purchase"] -%}
{#- the counts that the marks make -#}
{%- set counts = [
    "views",
    "carts",
    "checkouts",
    "purchases",
    "carts_any_order",
    "checkouts_any_order",
    "purchases_any_order",
] -%}

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
    ),

    entered as (
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
    ),

    combined as (
        select
            shop_id,
            funnel_date,
            unit,
            {% for dimension in dimensions %}
                coalesce(nullif({{ dimension }}, ''), '(not set)') as {{ dimension }},
            {% endfor %}
            count(*) as units,
            {% for mark in marks %}
                count(case when {{ mark }} then 1 end) as {{ counts[loop.index0] }}{{ "," if not loop.last }}
            {% endfor %}
        from entered
        group by
            shop_id,
            funnel_date,
            unit,
            {% for dimension in dimensions %}
                coalesce(nullif({{ dimension }}, ''), '(not set)') {{ "," if not loop.last }}
            {% endfor %}
    ),

    {%- set sets = [
        {
            "unit": "session",
            "marks": "session_marks",
            "day": "session_date",
            "viewed": "session_views",
            "keys": ["visitor_id", "session_start_ts"],
        },
        {
            "unit": "visitor",
            "marks": "visitor_marks",
            "day": "funnel_date",
            "viewed": "visitor_views",
            "keys": ["visitor_id"],
        },
    ] %}

    -- a session or visitor is in every category it viewed
    session_views as (
        select distinct shop_id, session_date as funnel_date, visitor_id, session_start_ts, category
        from {{ ref("int_funnel_views") }}
        where {{ in_window("session_date", "funnel") }}
    ),

    visitor_views as (
        select distinct shop_id, event_date as funnel_date, visitor_id, category
        from {{ ref("int_funnel_views") }} as views
        where
            {{ in_window("session_date", "funnel", 2, 0) }}
            and {{ in_window("event_date", "funnel") }}
            -- a session of the evening before may be a person's, and the day a program's
            and not exists (
                select 1
                from visitor_days as bots
                where
                    bots.is_bot
                    and bots.shop_id = views.shop_id
                    and bots.event_date = views.event_date
                    and bots.visitor_id = views.visitor_id
            )
    ),

    -- the views of all, and how far those came who went on
    in_categories as (
        {% for set in sets %}
            select
                shop_id,
                funnel_date,
                '{{ set.unit }}' as unit,
                category,
                count(*) as units,
                count(*) as views,
                {% for count in counts[1:] %} 0 as {{ count }}{{ "," if not loop.last }} {% endfor %}
            from {{ set.viewed }}
            group by shop_id, funnel_date, category
            union all
            select
                shop_id,
                {{ set.day }} as funnel_date,
                '{{ set.unit }}' as unit,
                category,
                count(case when not is_viewed then 1 end) as units,
                0 as views,
                {% for mark in marks[1:] %}
                    count(
                        case when {{ mark }} then 1 end
                    ) as {{ counts[loop.index] }}{{ "," if not loop.last }}
                {% endfor %}
            from {{ set.marks }}
            where category <> ''
            group by shop_id, {{ set.day }}, category {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    dimensioned as (
        select
            shop_id,
            funnel_date,
            unit,
            'all' as dimension,
            'all' as dimension_value,
            units,
            {{ counts | join(", ") }}
        from combined
        {% for dimension in dimensions %}
            union all
            select
                shop_id,
                funnel_date,
                unit,
                '{{ dimension }}' as dimension,
                {{ dimension }} as dimension_value,
                units,
                {{ counts | join(", ") }}
            from combined
        {% endfor %}
        union all
        select
            shop_id,
            funnel_date,
            unit,
            'category' as dimension,
            category as dimension_value,
            units,
            {{ counts | join(", ") }}
        from in_categories
    )

select
    shop_id,
    funnel_date,
    unit,
    dimension,
    dimension_value,
    {% for count in ["units"] + counts %}
        cast(sum({{ count }}) as bigint) as {{ count }}{{ "," if not loop.last }}
    {% endfor %}
from dimensioned
group by shop_id, funnel_date, unit, dimension, dimension_value

{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "funnel_date", "reach": "funnel"},
    )
}}


{#- dimension -> what names its values -#}
{%- set dimensions = {
    "channel": "nullif(channel, '')",
    "device": "nullif(device, '')",
    "country": "nullif(country, '')",
    "region": region_in_country("country", "region"),
    "visitor_type": "nullif(visitor_type, '')",
} -%}
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

    entered as (select * from {{ ref("int_funnel_units") }}),

    combined as (
        select
            shop_id,
            funnel_date,
            unit,
            {% for dimension, value in dimensions.items() %}
                coalesce({{ value }}, '(not set)') as {{ dimension }},
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
            {% for value in dimensions.values() %}
                coalesce({{ value }}, '(not set)') {{ "," if not loop.last }}
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
            and {{ of_people("views", "funnel") }}
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

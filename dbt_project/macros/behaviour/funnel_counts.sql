{#
  The counts of `agg_funnel_daily` for one unit. `entered`: a relation with a row for every session (visitor) of a
  day (`funnel_date`), what it is of and how far it came; `viewers`: what it viewed, once by category; `marks`: how far
  it came in categories, on `day`.
#}
{% macro funnel_counts(unit, entered, viewers, marks, day) %}
    {#- dimension -> what names its values -#}
    {%- set dimensions = {
        "channel": "nullif(channel, '')",
        "device": "nullif(device, '')",
        "country": "nullif(country, '')",
        "region": region_in_country("country", "region"),
        "visitor_type": "nullif(visitor_type, '')",
    } -%}
    {#- mark -> the count that it makes -#}
    {%- set counts = {
        "is_viewed": "views",
        "is_carted": "carts",
        "is_checked_out": "checkouts",
        "is_purchased": "purchases",
        "has_cart": "carts_any_order",
        "has_checkout": "checkouts_any_order",
        "has_purchase": "purchases_any_order",
    } -%}
    {%- set after_view = counts | list | reject("equalto", "is_viewed") | list -%}
    {%- set names = ["units"] + counts.values() | list -%}

    with
        combined as (
            select
                shop_id,
                funnel_date,
                {% for dimension, value in dimensions.items() %}
                    coalesce({{ value }}, '(not set)') as {{ dimension }},
                {% endfor %}
                count(*) as units,
                {% for mark, name in counts.items() %}
                    count(case when {{ mark }} then 1 end) as {{ name }} {{ "," if not loop.last }}
                {% endfor %}
            from {{ entered }}
            group by
                shop_id,
                funnel_date,
                {% for value in dimensions.values() %}
                    coalesce({{ value }}, '(not set)') {{ "," if not loop.last }}
                {% endfor %}
        ),

        -- a session (visitor) is in every category it viewed; how far those came who went on is added
        in_categories as (
            select
                shop_id,
                funnel_date,
                category,
                count(*) as units,
                count(*) as views,
                {% for mark in after_view %} 0 as {{ counts[mark] }} {{ "," if not loop.last }} {% endfor %}
            from {{ viewers }}
            group by shop_id, funnel_date, category
            union all
            select
                shop_id,
                {{ day }} as funnel_date,
                category,
                count(case when not is_viewed then 1 end) as units,
                0 as views,
                {% for mark in after_view %}
                    count(case when {{ mark }} then 1 end) as {{ counts[mark] }} {{ "," if not loop.last }}
                {% endfor %}
            from {{ marks }}
            where category <> ''
            group by shop_id, {{ day }}, category
        ),

        dimensioned as (
            select
                shop_id, funnel_date, 'all' as dimension, 'all' as dimension_value, {{ names | join(", ") }}
            from combined
            {% for dimension in dimensions %}
                union all
                select
                    shop_id,
                    funnel_date,
                    '{{ dimension }}' as dimension,
                    {{ dimension }} as dimension_value,
                    {{ names | join(", ") }}
                from combined
            {% endfor %}
            union all
            select
                shop_id,
                funnel_date,
                'category' as dimension,
                category as dimension_value,
                {{ names | join(", ") }}
            from in_categories
        )

    select
        shop_id,
        funnel_date,
        '{{ unit }}' as unit,
        dimension,
        dimension_value,
        {% for name in names %}
            cast(sum({{ name }}) as bigint) as {{ name }} {{ "," if not loop.last }}
        {% endfor %}
    from dimensioned
    group by shop_id, funnel_date, dimension, dimension_value
{% endmacro %}

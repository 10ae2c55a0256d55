{{
    config(
        materialized="incremental",
        incremental_strategy="replace_written_days",
        meta={"refresh_class": "written days", "partition_column": "funnel_date", "days_of": ["int_session_funnels", "int_visitor_funnels"], "days_after": 7, "publish_by": "funnel_date", "key": ["shop_id", "funnel_date", "unit", "dimension", "dimension_value"]},
    )
}}

{%- set steps = ["units", "views", "carts", "checkouts", "purchases"] -%}
{#- not longer ago than `days_after` -#}
{%- set earlier = {"previous": 7, "previous_day": 1} -%}

with
    funnels as (
        select *
        from {{ ref("int_session_funnels") }}
        where {{ in_written_days("funnel_date", 7) }}
        union all
        select *
        from {{ ref("int_visitor_funnels") }}
        where {{ in_written_days("funnel_date", 7) }}
    ),

    -- a day with data on which a dimension's value did not occur counts 0, a day without data is unknown
    days as (select distinct shop_id, funnel_date, unit from funnels where dimension = 'all')

select
    funnels.shop_id,
    funnels.funnel_date,
    funnels.unit,
    funnels.dimension,
    funnels.dimension_value,

    -- in order
    {% for step in steps %} funnels.{{ step }}, {% endfor %}

    -- in any order
    funnels.carts_any_order,
    funnels.checkouts_any_order,
    funnels.purchases_any_order,

    -- rates
    {{ metric("funnel_view_rate", "funnels") }} as funnel_view_rate,
    {{ metric("funnel_view_to_cart_rate", "funnels") }} as funnel_view_to_cart_rate,
    {{ metric("funnel_cart_to_checkout_rate", "funnels") }} as funnel_cart_to_checkout_rate,
    {{ metric("funnel_checkout_to_purchase_rate", "funnels") }} as funnel_checkout_to_purchase_rate,
    {{ metric("funnel_view_to_purchase_rate", "funnels") }} as funnel_view_to_purchase_rate,

    -- the same weekday a week before, and the day before
    {% for name in earlier %}
        {% for step in steps %}
            case
                when {{ name }}_days.funnel_date is not null then coalesce({{ name }}.{{ step }}, 0)
            end as {{ name }}_{{ step }},
        {% endfor %}
    {% endfor %}

    funnels.funnel_date
    + case when funnels.unit = 'visitor' then {{ var("funnel_window_days") }} else 0 end as closes_on
from funnels
{% for name, days in earlier.items() %}
    left join
        days as {{ name }}_days
        on {{ name }}_days.shop_id = funnels.shop_id
        and {{ name }}_days.unit = funnels.unit
        and {{ name }}_days.funnel_date = funnels.funnel_date - {{ days }}
    left join
        funnels as {{ name }}
        on {{ name }}.shop_id = funnels.shop_id
        and {{ name }}.unit = funnels.unit
        and {{ name }}.dimension = funnels.dimension
        and {{ name }}.dimension_value = funnels.dimension_value
        and {{ name }}.funnel_date = funnels.funnel_date - {{ days }}
{% endfor %}
where {{ in_written_days("funnels.funnel_date") }}

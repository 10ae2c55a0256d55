{#
  How far each session with a step after the view came, as a whole (category '') and in each category.
#}
{{ config(materialized="ephemeral") }}

{%- set keys = ["shop_id", "session_date", "visitor_id", "session_start_ts"] -%}

with
    logged as (
        select * from {{ ref("int_funnel_steps") }} where {{ in_window("session_date", "session_funnels") }}
    ),

    carted as (select distinct {{ keys | join(", ") }}, category from logged where step = 'cart'),

    steps as (
        select {{ keys | join(", ") }}, '' as category, step, step_ts
        from logged
        union all
        select {{ keys | join(", ") }}, category, step, step_ts
        from logged
        where category is not null
        union all
        -- what names no item is of all that the session put into the cart
        select
            {% for key in keys %} logged.{{ key }}, {% endfor %} carted.category, logged.step, logged.step_ts
        from logged
        inner join carted using ({{ keys | join(", ") }})
        where logged.category is null
    ),

    views as (
        select views.*
        from {{ ref("int_funnel_views") }} as views
        where
            {{ in_window("views.session_date", "session_funnels") }}
            and exists (
                select 1
                from logged
                where
                    {% for key in keys %}
                        logged.{{ key }} = views.{{ key }} {{ "and" if not loop.last }}
                    {% endfor %}
            )
    ),

    entries as (
        select
            {{ keys | join(", ") }},
            '' as category,
            min(first_view_ts) as first_view_ts,
            cast(null as timestamp) as closes_ts
        from views
        group by {{ keys | join(", ") }}
        union all
        select
            {{ keys | join(", ") }},
            category,
            min(first_view_ts) as first_view_ts,
            cast(null as timestamp) as closes_ts
        from views
        group by {{ keys | join(", ") }}, category
    )

    {{ funnel_marks(keys, "entries", "steps") }}

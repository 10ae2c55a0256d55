{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "events"},
    )
}}

{%- set attributes = product_attributes() -%}

with
    disputed as (
        select shop_id, event_date, item_id
        from {{ ref("int_product_mentions") }}
        where
            {{ in_window("event_date", "events") }}
            and (
                {% for attribute in attributes %}
                    smallest_{{ attribute }} <> largest_{{ attribute }} {{ "or" if not loop.last }}
                {% endfor %}
            )
    ),

    named as (
        select disputed.*, events.{{ attributes | join(", events.") }}
        from {{ ref("int_events") }} as events
        inner join
            disputed
            on disputed.shop_id = events.shop_id
            and disputed.event_date = events.event_date
            and disputed.item_id = events.item_id
        where {{ in_event_window("events", relation="events") }}
    ),

    {% for attribute in attributes %}
        {{ attribute }}_votes as (
            select
                shop_id,
                event_date,
                item_id,
                {{ attribute }},
                row_number() over (
                    partition by shop_id, event_date, item_id order by count(*) desc, {{ attribute }}
                ) as place
            from named
            where {{ attribute }} is not null
            group by shop_id, event_date, item_id, {{ attribute }}
        ) {{ "," if not loop.last }}
    {% endfor %}

select
    disputed.shop_id,
    disputed.event_date,
    disputed.item_id,
    {% for attribute in attributes %}
        {{ attribute }}_votes.{{ attribute }} {{ "," if not loop.last }}
    {% endfor %}
from disputed
{% for attribute in attributes %}
    left join
        {{ attribute }}_votes
        on {{ attribute }}_votes.shop_id = disputed.shop_id
        and {{ attribute }}_votes.event_date = disputed.event_date
        and {{ attribute }}_votes.item_id = disputed.item_id
        and {{ attribute }}_votes.place = 1
{% endfor %}

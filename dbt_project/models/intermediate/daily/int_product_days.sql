{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "events"},
    )
}}

{#
  What events said of a product on a day: of each attribute the value named most often (pages and
  trackers disagree within a day), ties to the smallest.
#}
{%- set attributes = ["item_name", "item_category", "item_brand", "price_minor"] -%}

with
    named as (
        select shop_id, event_date, item_id, {{ attributes | join(", ") }}, currency
        from {{ ref("int_events") }}
        where item_id is not null and {{ in_event_window("events") }}
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
        ),
    {% endfor %}

    days as (
        select shop_id, event_date, item_id, min(currency) as currency, count(*) as mentions
        from named
        group by shop_id, event_date, item_id
    )

select
    days.shop_id,
    days.event_date,
    days.item_id,
    {% for attribute in attributes %} {{ attribute }}_votes.{{ attribute }}, {% endfor %}
    days.currency,
    days.mentions
from days
{% for attribute in attributes %}
    left join
        {{ attribute }}_votes
        on {{ attribute }}_votes.shop_id = days.shop_id
        and {{ attribute }}_votes.event_date = days.event_date
        and {{ attribute }}_votes.item_id = days.item_id
        and {{ attribute }}_votes.place = 1
{% endfor %}

{#
  Predicate: on the row's own day its visitor is not taken for a program. The few bots are looked for
  rather than the many people.
#}
{% macro of_people(row, stage) -%}
    not exists (
        select 1
        from {{ ref("agg_user_daily") }} as bots
        where
            bots.is_bot
            and {{ in_window("bots.event_date", stage) }}
            and bots.shop_id = {{ row }}.shop_id
            and bots.event_date = {{ row }}.event_date
            and bots.visitor_id = {{ row }}.visitor_id
    )
{%- endmacro %}

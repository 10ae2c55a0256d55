{# How many events of a GA4 name a group holds; `heads` counts an event with several items once. #}
{% macro count_events(event_names) -%}
    count(case when event_name in ('{{ event_names | join("', '") }}') then 1 end)
{%- endmacro %}

{# How many rows of these GA4 event names a group holds; over event heads, how many events. #}
{% macro count_events(event_names) -%}
    count(case when event_name in ('{{ event_names | join("', '") }}') then 1 end)
{%- endmacro %}

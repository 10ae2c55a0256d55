{# First and last non-null value of `expression` by time; ties in time go to the smallest event id. #}
{% macro first_value_by_time(expression) -%}
    {{ return(adapter.dispatch("first_value_by_time", "footfall")(expression)) }}
{%- endmacro %}
{% macro duckdb__first_value_by_time(expression) -%}
    arg_min({{ expression }}, row(event_ts, event_id)) filter (where {{ expression }} is not null)
{%- endmacro %}
{% macro spark__first_value_by_time(expression) -%}
    min_by({{ expression }}, struct(event_ts, event_id)) filter (where {{ expression }} is not null)
{%- endmacro %}

{% macro last_value_by_time(expression) -%}
    {{ return(adapter.dispatch("last_value_by_time", "footfall")(expression)) }}
{%- endmacro %}
{% macro duckdb__last_value_by_time(expression) -%}
    arg_max({{ expression }}, row(event_ts, event_id)) filter (where {{ expression }} is not null)
{%- endmacro %}
{% macro spark__last_value_by_time(expression) -%}
    max_by({{ expression }}, struct(event_ts, event_id)) filter (where {{ expression }} is not null)
{%- endmacro %}

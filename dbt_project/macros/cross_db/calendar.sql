{# A date so many whole days later (earlier when negative); `days` is an integer expression. #}
{% macro add_days(day, days) %}
    {{ return(adapter.dispatch("add_days", "footfall")(day, days)) }}
{% endmacro %}
{% macro duckdb__add_days(day, days) -%} ({{ day }} + cast({{ days }} as integer)) {%- endmacro %}
{% macro spark__add_days(day, days) -%} date_add({{ day }}, cast({{ days }} as int)) {%- endmacro %}

{# The first day of the month so many months after that of `day` (before, when negative). #}
{% macro month_start(day, months=0) %}
    {{ return(adapter.dispatch("month_start", "footfall")(day, months)) }}
{% endmacro %}
{% macro duckdb__month_start(day, months) -%}
    cast(date_trunc('month', {{ day }}) + to_months(cast({{ months }} as integer)) as date)
{%- endmacro %}
{% macro spark__month_start(day, months) -%}
    add_months(cast(date_trunc('month', {{ day }}) as date), cast({{ months }} as int))
{%- endmacro %}

{# Day of the week, 0 = Monday … 6 = Sunday; no engine's own numbering of weekdays is used. #}
{% macro weekday(day) -%}
    mod({{ days_between("cast('1970-01-05' as date)", day) }} + 700000, 7)
{%- endmacro %}

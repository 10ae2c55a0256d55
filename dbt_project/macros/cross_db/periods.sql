{# The first day of the week (Monday) or month that a day lies in. #}
{% macro period_start(period, day) -%} cast(date_trunc('{{ period }}', {{ day }}) as date) {%- endmacro %}

{# How many weeks or months lie between the first days of two of them. #}
{% macro periods_between(period, earlier, later) -%}
    {%- if period == "week" -%} {{ whole_division(days_between(earlier, later), 7) }}
    {%- else -%}
        12 * (extract(year from {{ later }}) - extract(year from {{ earlier }}))
        + extract(month from {{ later }})
        - extract(month from {{ earlier }})
    {%- endif -%}
{%- endmacro %}

{# The day so many weeks or months after a first day. #}
{% macro period_after(period, first_day, number) -%}
    cast({{ first_day }} + {{ number }} * interval '1' {{ period }} as date)
{%- endmacro %}

{# The numbers from 0 to below `limit`, in a column `number`. #}
{% macro numbers_below(limit) %}
    {{ return(adapter.dispatch("numbers_below", "footfall")(limit)) }}
{% endmacro %}
{% macro duckdb__numbers_below(limit) %}
    select cast(range as bigint) as number from range(0, {{ limit }})
{% endmacro %}
{% macro spark__numbers_below(limit) %} select id as number from range(0, {{ limit }}) {% endmacro %}

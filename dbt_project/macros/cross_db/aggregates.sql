{# First and last non-null value of `expression` by time; of equal times the smallest and the greatest event id. #}
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

{# A part of the last place named: country, region and city of one and the same event. #}
{% macro last_place_by_time(part) -%}
    {{ return(adapter.dispatch("last_place_by_time", "footfall")(part)) }}
{%- endmacro %}
{% macro duckdb__last_place_by_time(part) -%}
    arg_max_null({{ part }}, row(event_ts, event_id)) filter (
        where country is not null or region is not null or city is not null
    )
{%- endmacro %}
{% macro spark__last_place_by_time(part) -%}
    max_by({{ part }}, struct(event_ts, event_id)) filter (
        where country is not null or region is not null or city is not null
    )
{%- endmacro %}

{# A part of the first origin named: channel and campaign marks of one and the same event. #}
{% macro first_origin_by_time(part) -%}
    {{ return(adapter.dispatch("first_origin_by_time", "footfall")(part)) }}
{%- endmacro %}
{% macro duckdb__first_origin_by_time(part) -%}
    arg_min_null({{ part }}, row(event_ts, event_id)) filter (
        where channel is not null or utm_source is not null or utm_medium is not null
    )
{%- endmacro %}
{% macro spark__first_origin_by_time(part) -%}
    min_by({{ part }}, struct(event_ts, event_id)) filter (
        where channel is not null or utm_source is not null or utm_medium is not null
    )
{%- endmacro %}

{# A part of the first page seen: address and referrer of one and the same event. #}
{% macro first_page_by_time(part) -%}
    {{ return(adapter.dispatch("first_page_by_time", "footfall")(part)) }}
{%- endmacro %}
{% macro duckdb__first_page_by_time(part) -%}
    arg_min_null({{ part }}, row(event_ts, event_id)) filter (
        where page_url is not null or referrer is not null
    )
{%- endmacro %}
{% macro spark__first_page_by_time(part) -%}
    min_by({{ part }}, struct(event_ts, event_id)) filter (where page_url is not null or referrer is not null)
{%- endmacro %}

{# The calendar day of a UTC timestamp in a time zone given by name. #}
{% macro local_date(ts, zone) %}
    {{ return(adapter.dispatch("local_date", "footfall")(ts, zone)) }}
{% endmacro %}
{% macro duckdb__local_date(ts, zone) %}
    cast(timezone({{ zone }}, timezone('UTC', {{ ts }})) as date)
{% endmacro %}
{% macro spark__local_date(ts, zone) %} cast(from_utc_timestamp({{ ts }}, {{ zone }}) as date) {% endmacro %}

{# Microseconds since 1970 of a UTC timestamp, as an integer. #}
{% macro epoch_us(ts) %} {{ return(adapter.dispatch("epoch_us", "footfall")(ts)) }} {% endmacro %}
{% macro duckdb__epoch_us(ts) %} epoch_us({{ ts }}) {% endmacro %}
{% macro spark__epoch_us(ts) %} unix_micros({{ ts }}) {% endmacro %}

{# Whole days from one date to another. #}
{% macro days_between(earlier, later) %}({{ later }} - {{ earlier }}) {% endmacro %}

{# A UTC timestamp as the clock on the wall shows it in a time zone given by name. #}
{% macro local_time(ts, zone) %}
    {{ return(adapter.dispatch("local_time", "footfall")(ts, zone)) }}
{% endmacro %}
{% macro duckdb__local_time(ts, zone) %} timezone({{ zone }}, timezone('UTC', {{ ts }})) {% endmacro %}
{% macro spark__local_time(ts, zone) %} from_utc_timestamp({{ ts }}, {{ zone }}) {% endmacro %}

{# The calendar day of a UTC timestamp in a time zone given by name. #}
{% macro local_date(ts, zone) %} cast({{ local_time(ts, zone) }} as date) {% endmacro %}

{# A UTC timestamp from text in ISO form; without an offset the text is UTC already, as the session's zone is. #}
{% macro utc_timestamp(text) %}
    {{ return(adapter.dispatch("utc_timestamp", "footfall")(text)) }}
{% endmacro %}
{% macro duckdb__utc_timestamp(text) %} timezone('UTC', cast({{ text }} as timestamptz)) {% endmacro %}
{% macro spark__utc_timestamp(text) %} cast({{ text }} as timestamp) {% endmacro %}

{# Microseconds since 1970 of a UTC timestamp, as an integer. #}
{% macro epoch_us(ts) %} {{ return(adapter.dispatch("epoch_us", "footfall")(ts)) }} {% endmacro %}
{% macro duckdb__epoch_us(ts) %} epoch_us({{ ts }}) {% endmacro %}
{% macro spark__epoch_us(ts) %} unix_micros({{ ts }}) {% endmacro %}

{# Whole days from one date to another. #}
{% macro days_between(earlier, later) %}
    {{- return(adapter.dispatch("days_between", "footfall")(earlier, later)) -}}
{% endmacro %}
{% macro duckdb__days_between(earlier, later) %} ({{ later }} - {{ earlier }}) {% endmacro %}
{% macro spark__days_between(earlier, later) %} datediff({{ later }}, {{ earlier }}) {% endmacro %}

{# How many different hours of the day (0-23) a column holds in a group. #}
{% macro distinct_hours(hour) %}
    {{ return(adapter.dispatch("distinct_hours", "footfall")(hour)) }}
{% endmacro %}
{% macro duckdb__distinct_hours(hour) %}
    cast(bit_count(bit_or(1::bigint << {{ hour }})) as bigint)
{% endmacro %}
{% macro spark__distinct_hours(hour) %}
    cast(bit_count(bit_or(shiftleft(1l, {{ hour }}))) as bigint)
{% endmacro %}

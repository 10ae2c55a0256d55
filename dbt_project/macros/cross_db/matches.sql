{# Whether a text matches a regular expression somewhere (RE2 and Java agree on what is used here). #}
{% macro matches(text, pattern) %}
    {{ return(adapter.dispatch("matches", "footfall")(text, pattern)) }}
{% endmacro %}
{% macro duckdb__matches(text, pattern) %} regexp_matches({{ text }}, '{{ pattern }}') {% endmacro %}
{% macro spark__matches(text, pattern) %} {{ text }} rlike '{{ pattern }}' {% endmacro %}

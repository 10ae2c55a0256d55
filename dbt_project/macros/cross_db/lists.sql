{# One row per element of a list: the only such column of a select. #}
{% macro rows_of_list(list) -%}
    {{ return(adapter.dispatch("rows_of_list", "footfall")(list)) }}
{%- endmacro %}
{% macro duckdb__rows_of_list(list) -%} unnest({{ list }}) {%- endmacro %}
{% macro spark__rows_of_list(list) -%} explode({{ list }}) {%- endmacro %}

{# The first element of a list; null where there is none. #}
{% macro first_of_list(list) -%}
    {{ return(adapter.dispatch("first_of_list", "footfall")(list)) }}
{%- endmacro %}
{% macro duckdb__first_of_list(list) -%} {{ list }} [1] {%- endmacro %}
{% macro spark__first_of_list(list) -%} get({{ list }}, 0) {%- endmacro %}

{# Aggregate: the texts of a group in their own order, joined. #}
{% macro texts_in_order(text, separator=",") -%}
    {{ return(adapter.dispatch("texts_in_order", "footfall")(text, separator)) }}
{%- endmacro %}
{% macro duckdb__texts_in_order(text, separator) -%}
    string_agg({{ text }}, '{{ separator }}' order by {{ text }})
{%- endmacro %}
{% macro spark__texts_in_order(text, separator) -%}
    array_join(array_sort(collect_list({{ text }})), '{{ separator }}')
{%- endmacro %}

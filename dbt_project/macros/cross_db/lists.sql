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

{# The element at a place of a list, counted from 1; null where there is none. #}
{% macro element_of_list(list, place) -%}
    {{ return(adapter.dispatch("element_of_list", "footfall")(list, place)) }}
{%- endmacro %}
{% macro duckdb__element_of_list(list, place) -%} {{ list }} [{{ place }}] {%- endmacro %}
{% macro spark__element_of_list(list, place) -%} get({{ list }}, {{ place }} - 1) {%- endmacro %}

{# Aggregate: the `number` smallest values of a group as a list in order; fewer where there are fewer. #}
{% macro smallest_values(expression, number) -%}
    {{ return(adapter.dispatch("smallest_values", "footfall")(expression, number)) }}
{%- endmacro %}
{% macro duckdb__smallest_values(expression, number) -%} min({{ expression }}, {{ number }}) {%- endmacro %}
{% macro spark__smallest_values(expression, number) -%}
    slice(array_sort(collect_list({{ expression }})), 1, {{ number }})
{%- endmacro %}

{# How many elements a list has; null of a null. #}
{% macro size_of_list(list) -%}
    {{ return(adapter.dispatch("size_of_list", "footfall")(list)) }}
{%- endmacro %}
{% macro duckdb__size_of_list(list) -%} len({{ list }}) {%- endmacro %}
{% macro spark__size_of_list(list) -%} cast(size({{ list }}) as bigint) {%- endmacro %}

{# Aggregate: the values of a group as a list, in the order of another expression, which is unique in the group. #}
{% macro values_in_order(expression, order) -%}
    {{ return(adapter.dispatch("values_in_order", "footfall")(expression, order)) }}
{%- endmacro %}
{% macro duckdb__values_in_order(expression, order) -%}
    list({{ expression }} order by {{ order }})
{%- endmacro %}
{% macro spark__values_in_order(expression, order) -%}
    transform(
        array_sort(collect_list(struct({{ order }} as place, {{ expression }} as element))),
        pair -> pair.element
    )
{%- endmacro %}

{# How many whole times a non-negative integer holds another, as an integer. #}
{% macro whole_division(part, whole) %}
    {{- return(adapter.dispatch("whole_division", "footfall")(part, whole)) -}}
{% endmacro %}
{% macro duckdb__whole_division(part, whole) -%} divide({{ part }}, {{ whole }}) {%- endmacro %}
{% macro spark__whole_division(part, whole) -%}({{ part }}) div({{ whole }}) {%- endmacro %}

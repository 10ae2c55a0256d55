{# Opens the statement that makes a DuckDB table macro, as `name(parameters)`, in the schema of the model at hand. #}
{% macro create_table_macro(signature) -%}
    {{- return("create or replace macro " ~ this.schema ~ "." ~ signature ~ " as table") -}}
{%- endmacro %}

{#
  Rows of a table that a model wrote (source `ml`), with the columns and types that `models/staging/_ml.yml` gives it.
  While no model has written it there are none: a shop without scores is no fault, and readers get an empty table.
  A column that an older version of the model did not write is null.
#}
{% macro model_rows(table) %}
    {%- set written = source("ml", table) -%}
    {%- if execute -%}
        {%- set relation = adapter.get_relation(written.database, written.schema, written.identifier) -%}
        {%- set found = adapter.get_columns_in_relation(relation) | map(attribute="name") | list if relation else [] -%}
        select
            {%- for column in columns_of_model_table(table) %}
                cast(
                    {{ column.name if column.name in found else "null" }} as {{ column.data_type }}
                ) as {{ column.name }} {{- "," if not loop.last }}
            {%- endfor %}
        {% if relation %} from {{ written }}
        {% else %} where false
        {% endif %}
    {%- endif -%}
{% endmacro %}

{# Columns that `models/staging/_ml.yml` describes, each with name and data_type. #}
{% macro columns_of_model_table(table) %}
    {%- set nodes = graph.sources.values() | selectattr("source_name", "equalto", "ml") -%}
    {{ return((nodes | selectattr("name", "equalto", table) | first).columns.values()) }}
{% endmacro %}

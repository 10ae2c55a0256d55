{#
  A rate by its name in `vars: metrics:` of dbt_project.yml, where each is defined once: `part` / `whole`
  are columns of `relation` (or of the only relation in scope), or lists of columns that are added up.
  Null where there is nothing to divide by.
#}
{% macro metric(name, relation=none) -%}
    {%- set metrics = var("metrics") -%}
    {%- if name not in metrics -%}
        {{ exceptions.raise_compiler_error(
            "No metric " ~ name ~ " in vars.metrics of dbt_project.yml, which knows " ~ metrics | join(", ")
        ) }}
    {%- endif -%}
    {{ ratio(
        columns_added_up(metrics[name].part, relation),
        columns_added_up(metrics[name].whole, relation),
        metrics[name].digits
    ) }}
{%- endmacro %}

{# A column, or the sum of a list of columns, of a relation. #}
{% macro columns_added_up(columns, relation=none) -%}
    {%- set prefix = relation ~ "." if relation else "" -%}
    {%- if columns is string -%} {{ prefix ~ columns }}
    {%- else -%} ({% for column in columns %}{{ prefix ~ column }}{{ " + " if not loop.last }}{% endfor %})
    {%- endif -%}
{%- endmacro %}

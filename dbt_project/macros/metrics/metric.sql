{#
  A rate by its name in `vars: metrics:` of dbt_project.yml, where each is defined once: `part` / `whole`
  are columns of `relation` (or of the only relation in scope). Null where there is nothing to divide by.
#}
{% macro metric(name, relation=none) -%}
    {%- set metrics = var("metrics") -%}
    {%- if name not in metrics -%}
        {{ exceptions.raise_compiler_error(
            "No metric " ~ name ~ " in vars.metrics of dbt_project.yml, which knows " ~ metrics | join(", ")
        ) }}
    {%- endif -%}
    {%- set prefix = relation ~ "." if relation else "" -%}
    {{ ratio(prefix ~ metrics[name].part, prefix ~ metrics[name].whole, metrics[name].digits) }}
{%- endmacro %}

{#
  Quintile scores by value within the shop, or within other columns, in whole numbers. Equal values
  always score equal, unlike ntile, which cuts ties arbitrarily.
#}
{# 1 + floor(5 x customers strictly below / customers): the lowest value scores 1. #}
{% macro quintile(column, within="shop_id") -%}
    {%- set below -%}
        (rank() over (partition by {{ within }}, {{ column }} is null order by {{ column }}) - 1)
    {%- endset -%}
    1 + {{ whole_division("5 * " ~ below, "count(" ~ column ~ ") over (partition by " ~ within ~ ")") }}
{%- endmacro %}

{# 5 - floor(5 x customers strictly below / customers): the lowest value, the best, scores 5. #}
{% macro quintile_from_best(column, within="shop_id") -%}
    {%- set below -%}
        (rank() over (partition by {{ within }}, {{ column }} is null order by {{ column }}) - 1)
    {%- endset -%}
    5 - {{ whole_division("5 * " ~ below, "count(" ~ column ~ ") over (partition by " ~ within ~ ")") }}
{%- endmacro %}

{#
  1 to 5 by value within the shop: 1 + floor(5 x customers strictly below / customers), in whole
  numbers. Equal values always score equal, unlike ntile, which cuts ties arbitrarily.
#}
{% macro quintile(column, descending=false) -%}
    {%- set strictly_below -%}
        (rank() over (partition by shop_id, {{ column }} is null order by {{ column }} {{ "desc" if descending }}) - 1)
    {%- endset -%}
    1 + {{ whole_division("5 * " ~ strictly_below, "count(" ~ column ~ ") over (partition by shop_id)") }}
{%- endmacro %}

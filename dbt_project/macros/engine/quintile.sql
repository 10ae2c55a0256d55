{#
  1 to 5 by value within the shop: 1 + floor(5 x customers strictly below / customers), in whole
  numbers. Equal values always score equal, unlike ntile, which cuts ties arbitrarily.
#}
{% macro quintile(column, descending=false) -%}
    (
        1 + (
            5 * (
                rank() over (
                    partition by shop_id, {{ column }} is null
                    order by {{ column }} {{ "desc" if descending }}
                )
                - 1
            )
        )
    -- count({{ column }}) over (partition by shop_id)
    )
{%- endmacro %}

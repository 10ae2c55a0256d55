{# The ways in which an order is credited to the sessions before it; docs/attribution.md says how each does it. #}
{% macro attribution_models() %}
    {{ return(["first", "last", "last_non_direct", "linear", "time_decay"]) }}
{% endmacro %}

{# Days before an order in which a session counts as a touch. #}
{% macro attribution_window_days() %} {{ return(var("attribution_window_days") | int) }} {% endmacro %}

{#
  amount x part / whole in whole numbers, halves up; all non-negative, part <= whole, and whole at most a
  thousand million, so that no product leaves 64 bits. Differences of it between running sums of parts
  share an amount out to the last unit.
#}
{% macro running_share(amount, part, whole) -%}
    (
        ({{ part }}) * {{ whole_division(amount, whole) }}
        +
        {{ whole_division(
            "2 * (" ~ part ~ ") * ((" ~ amount ~ ") % (" ~ whole ~ ")) + (" ~ whole ~ ")", "2 * (" ~ whole ~ ")"
        ) }}
    )
{%- endmacro %}

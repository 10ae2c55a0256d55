{# A rate rounded to a decimal of so many digits; null when there is nothing to divide by. #}
{% macro ratio(part, whole, digits=6) -%}
    cast(
        round(
            cast({{ part }} as decimal(38, {{ digits }})) / nullif({{ whole }}, 0), {{ digits }}
        ) as decimal(18, {{ digits }})
    )
{%- endmacro %}

{# A region with its country, `US / Georgia`: regions of one name in two countries are two. Null where unknown. #}
{% macro region_in_country(country, region) -%}
    case
        when coalesce({{ region }}, '') = ''
        then null
        when coalesce({{ country }}, '') = ''
        then {{ region }}
        else concat({{ country }}, ' / ', {{ region }})
    end
{%- endmacro %}

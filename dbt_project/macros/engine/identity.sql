{# A device with more known customers than this is shared: its anonymous events are nobody's. #}
{% macro max_customers_per_device() %}
    {{- return(env_var("FOOTFALL_MAX_CUSTOMERS_PER_DEVICE", "1") | int) -}}
{% endmacro %}

{#
  Who a row of a visitor belongs to: the customer it names itself, else the customer whose device it
  is, else the visitor. `identities` is a left join of `dim_identities` on shop, `anonymous_id` =
  visitor and `is_merged`: at most one row a device.
#}
{% macro person_id(row, identities) -%}
    coalesce({{ row }}.customer_id, {{ identities }}.customer_id, {{ row }}.visitor_id)
{%- endmacro %}

{#
  The same as a key of persons: a device and a customer may have the same id, so a known person is
  named as visitors without a device are.
#}
{% macro person_key(row, identities) -%}
    coalesce(
        'customer:' || coalesce({{ row }}.customer_id, {{ identities }}.customer_id), {{ row }}.visitor_id
    )
{%- endmacro %}

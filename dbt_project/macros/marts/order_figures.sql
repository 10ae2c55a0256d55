{#
  Money of an order as the marts add it up: only where it is in the shop's own currency, for there is no
  rate table. `gross` is what the order was worth before the discounts that its source states, `revenue`
  what the customer owed after them, `net` what is left of it after refunds and cancellation.
#}
{% macro order_money(orders, shops) -%}
    {%- set own = orders ~ ".currency = " ~ shops ~ ".currency" -%}
    {{ own }} as is_own_currency,
    {{ orders }}.revenue_minor is null as is_of_unknown_value,
    case
        when {{ own }} then {{ orders }}.revenue_minor + coalesce({{ orders }}.discount_minor, 0)
    end as gross_minor,
    case
        when {{ own }} and {{ orders }}.revenue_minor is not null then {{ orders }}.discount_minor
    end as discount_minor,
    case when {{ own }} then {{ orders }}.revenue_minor end as revenue_minor,
    case
        when {{ own }} and {{ orders }}.revenue_minor is not null then {{ orders }}.refund_minor
    end as refund_minor,
    case when {{ own }} then {{ orders }}.net_revenue_minor end as net_revenue_minor
{%- endmacro %}

{% macro money_columns() %}
    {{ return(["gross_minor", "discount_minor", "revenue_minor", "refund_minor", "net_revenue_minor"]) }}
{% endmacro %}

{# Sums over rows that carry `order_money` and `units`, one row an order. #}
{% macro order_sums() -%}
    count(*) as orders,
    count(case when is_of_unknown_value then 1 end) as orders_of_unknown_value,
    count(case when not is_own_currency then 1 end) as orders_in_other_currency,
    count(case when is_own_currency then 1 end) as own_orders,
    count(case when is_own_currency and not is_of_unknown_value then 1 end) as orders_of_known_value,
    cast(sum(units) as bigint) as units,
    {% for column in money_columns() %}
        cast(sum({{ column }}) as bigint) as {{ column }}{{ "," if not loop.last }}
    {% endfor %}
{%- endmacro %}

{# Those sums as columns: nothing sold is worth 0, what is sold at an unknown price is worth null. #}
{% macro order_figures(sales) -%}
    coalesce({{ sales }}.orders, 0) as orders,
    coalesce({{ sales }}.orders_of_unknown_value, 0) as orders_of_unknown_value,
    coalesce({{ sales }}.orders_in_other_currency, 0) as orders_in_other_currency,
    case when coalesce({{ sales }}.orders, 0) = 0 then 0 else {{ sales }}.units end as units,
    {% for column in money_columns() %}
        case
            when coalesce({{ sales }}.own_orders, 0) = 0 then 0 else {{ sales }}.{{ column }}
        end as {{ column }}{{ "," if not loop.last }}
    {% endfor %}
{%- endmacro %}

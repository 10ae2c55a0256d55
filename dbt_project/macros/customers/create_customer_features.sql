{#
  Makes the table macro `features.customer_features(<date>)`: feat_customers as of any date, for learning
  and back-testing. It reads the warehouse's tables alone, so any reader of the file may call it. Engines
  without table macros have the grid of feat_as_of_dates.
#}
{% macro create_customer_features() %}
    {{ return(adapter.dispatch("create_customer_features", "footfall")()) }}
{% endmacro %}
{% macro default__create_customer_features() %} select 1 {% endmacro %}
{% macro duckdb__create_customer_features() %}
    {{ create_table_macro("customer_features(cutoff)") }}
    with
        shops as (select distinct shop_id from {{ ref("feat_customer_days") }}),
        as_ofs as (select shop_id, cast(cutoff as date) as as_of from shops)
    select *
    from ({{ customer_features("as_ofs") }})
{% endmacro %}

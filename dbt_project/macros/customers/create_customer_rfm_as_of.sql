{#
  Makes the table macro `marts.customer_rfm_as_of(<date>)`: what customer_rfm would have said at the end
  of that day, for whoever evaluates on a past day. DuckDB alone has such macros; elsewhere the history's
  month ends must do.
#}
{% macro create_customer_rfm_as_of() %}
    {{ return(adapter.dispatch("create_customer_rfm_as_of", "footfall")()) }}
{% endmacro %}
{% macro default__create_customer_rfm_as_of() %} select 1 {% endmacro %}
{% macro duckdb__create_customer_rfm_as_of() %}
    {{ create_table_macro("customer_rfm_as_of(cutoff)") }}
    with
        shops as (
            select shop_id, min(currency) as currency from {{ ref("agg_kpis_daily") }} group by shop_id
        ),
        as_ofs as (select shop_id, cast(cutoff as date) as as_of from shops),
        measured as ({{ rfm_measured_by("as_ofs", "shops") }})
    select *
    from ({{ rfm_scored("measured") }})
{% endmacro %}

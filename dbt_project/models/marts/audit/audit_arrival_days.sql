{#
  Built last of the daily models: a row here says that every daily model has seen these loads for
  this arrival day. Once published, the day is no longer pending.
#}
{%- set built_before = [
    "fct_sessions",
    "fct_orders",
    "fct_carts",
    "agg_user_daily",
    "int_traffic_daily",
    "int_customer_days",
    "int_product_disputes",
    "int_product_mentions",
    "int_campaign_sessions",
    "int_cart_lines",
    "int_order_tracking",
    "int_order_money_days",
    "int_visitor_item_days",
    "int_visitor_category_days",
    "agg_funnel_daily",
    "int_item_days",
    "int_session_starts",
    "agg_orders_daily",
    "agg_search_terms",
    "agg_paths",
    "agg_activity_hourly",
    "agg_products_daily",
    "agg_categories_daily",
    "agg_brands_daily",
    "agg_regions_daily",
    "agg_channels_daily",
    "audit_events_daily",
    "audit_order_reconciliation",
] -%}
{% for model_name in built_before %}
-- depends_on: {{ ref(model_name) }}
{% endfor %}
{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "arrival_date", "reach": "arrivals", "key": ["shop_id", "arrival_date"]},
    )
}}

with
    arrivals as (
        select shop_id, load_id, {{ rows_of_list("arrival_days") }} as arrival
        from {{ ref("stg_loads") }}
        where not is_superseded
    ),

    load_days as (
        select shop_id, load_id, arrival.day as arrival_date, arrival.rows as contract_rows from arrivals
    ),

    too_late as (
        select shop_id, arrival_date, count(*) as rows_too_late
        from {{ ref("int_events_too_late") }}
        where {{ in_window("arrival_date", "arrivals") }}
        group by shop_id, arrival_date
    )

select
    load_days.shop_id,
    load_days.arrival_date,
    count(*) as loads,
    cast(sum(load_days.contract_rows) as bigint) as contract_rows,
    coalesce(max(too_late.rows_too_late), 0) as rows_too_late,
    -- where orders come from is part of it: a shop that changes it is computed anew, day by day
    md5(max(shops.orders_from) || ':' || {{ texts_in_order("load_days.load_id") }}) as loads_fingerprint
from load_days
inner join {{ ref("stg_shops") }} as shops on shops.shop_id = load_days.shop_id
left join too_late on too_late.shop_id = load_days.shop_id and too_late.arrival_date = load_days.arrival_date
where {{ in_window("load_days.arrival_date", "arrivals") }}
group by load_days.shop_id, load_days.arrival_date

{#
  customer_rfm at the end of every month, and today's as it stands. Only what had happened by then
  counts: orders, refunds and cancellations on their own day. Any other day: the table macro
  `marts.customer_rfm_as_of(<date>)`, which holds the same SQL.
#}
{{
    config(
        tags=["whole"],
        meta={"refresh_class": "from daily", "key": ["shop_id", "as_of", "customer_id"]},
        post_hook="{{ create_customer_rfm_as_of() }}",
    )
}}

{%- set columns = [
    "shop_id",
    "as_of",
    "customer_id",
    "last_order_date",
    "recency_days",
    "frequency",
    "monetary_minor",
    "currency",
    "r_score",
    "f_score",
    "m_score",
    "value_group_zh",
    "value_group",
    "segment",
    "segment_zh",
] -%}

with
    newest as ({{ as_of() }}),

    shops as (select shop_id, min(currency) as currency from {{ ref("agg_kpis_daily") }} group by shop_id),

    -- the last days of the months since the first order, before the newest day
    first_orders as (
        select shop_id, min(movement_date) as movement_date
        from {{ ref("int_order_movements") }}
        group by shop_id
    ),

    numbers as ({{ numbers_below(1000) }}),

    month_ends as (
        select
            newest.shop_id,
            {{ add_days(month_start("first_orders.movement_date", "numbers.number + 1"), -1) }} as as_of
        from newest
        inner join first_orders on first_orders.shop_id = newest.shop_id
        inner join
            numbers
            on {{ add_days(month_start("first_orders.movement_date", "numbers.number + 1"), -1) }}
            < newest.as_of
    ),

    measured as ({{ rfm_measured_by("month_ends", "shops") }}),

    scored as ({{ rfm_scored("measured") }})

select {{ columns | join(", ") }}
from scored

union all

select {{ columns | join(", ") }}
from {{ ref("customer_rfm") }}

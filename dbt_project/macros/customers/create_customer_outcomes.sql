{#
  Makes the table macro `features.customer_outcomes(<date>, <days>)`: what every customer of
  `features.customer_features(<date>)` did in so many days from that date on, to learn from and to judge scores by.
  `is_complete`: the shop's data speak of all of these days.
#}
{% macro create_customer_outcomes() %}
    {{ return(adapter.dispatch("create_customer_outcomes", "footfall")()) }}
{% endmacro %}
{% macro default__create_customer_outcomes() %} select 1 {% endmacro %}
{% macro duckdb__create_customer_outcomes() %}
    {{ create_table_macro("customer_outcomes(cutoff, horizon)") }}
    with
        known as (
            select distinct shop_id, customer_id
            from {{ ref("feat_customer_days") }}
            where event_date < cast(cutoff as date)
        ),

        -- the day after the newest is the last of the grid
        shops as (select shop_id, max(as_of) as data_end from {{ ref("feat_as_of_dates") }} group by shop_id),

        days as (
            select *
            from {{ ref("feat_customer_days") }}
            where
                event_date >= cast(cutoff as date)
                and event_date < {{ add_days("cast(cutoff as date)", "horizon") }}
        ),

        done as (
            select
                shop_id,
                customer_id,
                cast(sum(orders_placed) as bigint) as orders_placed,
                count(case when orders_placed > 0 then 1 end) as order_days,
                cast(sum(gross_minor) as bigint) as gross_minor,
                cast(sum(net_revenue_minor) as bigint) as net_revenue_minor,
                count(case when events > 0 then 1 end) as days_active
            from days
            group by shop_id, customer_id
        )

    select
        known.shop_id,
        cast(cutoff as date) as as_of,
        cast(horizon as bigint) as horizon_days,
        known.customer_id,
        coalesce(done.orders_placed, 0) as orders_placed,
        coalesce(done.order_days, 0) as order_days,
        -- without an order nothing was earned, with orders of unknown worth nobody knows
        case
            when coalesce(done.orders_placed, 0) = 0 then coalesce(done.gross_minor, 0) else done.gross_minor
        end as gross_minor,
        case
            when coalesce(done.orders_placed, 0) = 0
            then coalesce(done.net_revenue_minor, 0)
            else done.net_revenue_minor
        end as net_revenue_minor,
        coalesce(done.days_active, 0) as days_active,
        coalesce({{ add_days("cast(cutoff as date)", "horizon") }} <= shops.data_end, false) as is_complete
    from known
    left join shops on shops.shop_id = known.shop_id
    left join done on done.shop_id = known.shop_id and done.customer_id = known.customer_id
{% endmacro %}

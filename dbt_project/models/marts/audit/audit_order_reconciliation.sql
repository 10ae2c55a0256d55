{{
    config(
        materialized="incremental",
        incremental_strategy="replace_written_days",
        meta={"refresh_class": "written days", "partition_column": "order_date", "days_of": ["int_order_tracking"], "key": ["shop_id", "order_date"]},
    )
}}

with
    shops as (select * from {{ ref("stg_shops") }}),

    orders as (
        select
            tracking.shop_id,
            tracking.order_date,
            tracking.is_in_table,
            tracking.is_tracked,
            tracking.table_order_date <> tracking.first_tracked_date as is_on_another_day,
            case
                when tracking.table_currency = shops.currency then tracking.table_value_minor
            end as table_minor,
            case
                when tracking.tracked_currency = shops.currency then tracking.tracked_value_minor
            end as tracked_minor
        from {{ ref("int_order_tracking") }} as tracking
        inner join shops on shops.shop_id = tracking.shop_id
        where {{ in_written_days("tracking.order_date") }}
    ),

    counted as (
        select
            shop_id,
            order_date,
            count(case when is_in_table then 1 end) as table_orders,
            count(case when is_tracked then 1 end) as tracked_orders,
            count(case when is_in_table and is_tracked then 1 end) as matched_orders,
            count(case when is_in_table and not is_tracked then 1 end) as untracked_orders,
            count(case when is_tracked and not is_in_table then 1 end) as only_tracked_orders,
            count(case when is_on_another_day then 1 end) as matched_on_another_day,
            count(case when table_minor <> tracked_minor then 1 end) as matched_of_other_value,
            count(
                case
                    when is_in_table and table_minor is null or is_tracked and tracked_minor is null then 1
                end
            ) as orders_of_unknown_value,
            -- no order on a side is worth 0 there; orders of unknown worth alone are worth null
            {% for column, amount, condition in [
                ("table_value_minor", "table_minor", "is_in_table"),
                ("tracked_value_minor", "tracked_minor", "is_tracked"),
                ("matched_table_value_minor", "table_minor", "is_in_table and is_tracked"),
                ("matched_tracked_value_minor", "tracked_minor", "is_in_table and is_tracked"),
                ("untracked_value_minor", "table_minor", "is_in_table and not is_tracked"),
                ("only_tracked_value_minor", "tracked_minor", "is_tracked and not is_in_table"),
            ] %}
                cast(
                    case
                        when count(case when {{ condition }} then 1 end) = 0
                        then 0
                        else sum(case when {{ condition }} then {{ amount }} end)
                    end as bigint
                ) as {{ column }}{{ "," if not loop.last }}
            {% endfor %}
        from orders
        group by shop_id, order_date
    )

select
    counted.shop_id,
    counted.order_date,

    -- orders
    counted.table_orders,
    counted.tracked_orders,
    counted.matched_orders,
    counted.untracked_orders,
    counted.only_tracked_orders,
    counted.table_orders - counted.tracked_orders as gap_orders,
    counted.matched_on_another_day,
    counted.matched_of_other_value,
    counted.orders_of_unknown_value,

    -- money
    counted.table_value_minor,
    counted.tracked_value_minor,
    counted.matched_table_value_minor,
    counted.matched_tracked_value_minor,
    counted.untracked_value_minor,
    counted.only_tracked_value_minor,
    counted.table_value_minor - counted.tracked_value_minor as gap_value_minor,

    -- shares
    {{ metric("untracked_order_share", "counted") }} as untracked_order_share,
    {{ metric("untracked_value_share", "counted") }} as untracked_value_share,
    shops.currency
from counted
inner join shops on shops.shop_id = counted.shop_id

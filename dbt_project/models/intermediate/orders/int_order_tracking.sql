{{
    config(
        materialized="incremental",
        incremental_strategy="replace_touched",
        meta={"refresh_class": "touched keys", "touched_by": "int_orders_touched", "touched_key": ["shop_id", "order_id"], "partition_column": "order_date"},
    )
}}

with
    -- where purchase events make the orders there is no second side to compare with
    shops as (select * from {{ ref("stg_shops") }} where orders_from = 'tables'),

    table_orders as ({{ latest_touched(ref("stg_orders"), ["order_id"]) }}),

    hits as (
        select
            *,
            row_number() over (
                partition by shop_id, order_id
                order by value_minor desc nulls last, event_ts, event_id, event_date
            ) as value_rank
        from {{ ref("int_order_events_touched") }}
        where event_name = 'purchase' and is_event_head
    ),

    -- the page loaded again tracks nothing new; the hit with the greatest value speaks for the order
    tracked as (
        select
            shop_id,
            order_id,
            count(*) as purchase_events,
            min(event_ts) as first_tracked_at,
            min(event_date) as first_tracked_date,
            min(case when value_rank = 1 then value_minor end) as value_minor,
            min(case when value_rank = 1 then currency end) as currency
        from hits
        where order_id is not null
        group by shop_id, order_id
    )

select
    coalesce(placed.shop_id, tracked.shop_id) as shop_id,
    coalesce(placed.order_id, tracked.order_id) as order_id,
    coalesce(placed.order_date, tracked.first_tracked_date) as order_date,
    placed.order_id is not null as is_in_table,
    tracked.order_id is not null as is_tracked,
    placed.ordered_at,
    tracked.first_tracked_at,
    placed.order_date as table_order_date,
    tracked.first_tracked_date,
    coalesce(tracked.purchase_events, 0) as purchase_events,
    placed.status as table_status,
    placed.value_minor as table_value_minor,
    placed.currency as table_currency,
    tracked.value_minor as tracked_value_minor,
    tracked.currency as tracked_currency
from table_orders as placed
full join tracked on tracked.shop_id = placed.shop_id and tracked.order_id = placed.order_id
inner join shops on shops.shop_id = coalesce(placed.shop_id, tracked.shop_id)

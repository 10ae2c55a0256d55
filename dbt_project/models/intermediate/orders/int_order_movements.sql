{#
  Every movement of an order's money on its own day: the purchase, each refund, the cancellation.
  A refund without an amount, and a cancellation, take back all that is left. Refunds of an order
  whose worth is known never exceed it: what was asked beyond that is kept in `excess_minor`.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="replace_touched",
        meta={"refresh_class": "touched keys", "partition_column": "movement_date"},
    )
}}

with
    shops as (select * from {{ ref("stg_shops") }}),

    placed as (select * from {{ ref("int_orders_placed") }}),

    order_events as ({{ touched_rows(ref("int_order_events")) }}),

    table_refunds as ({{ touched_rows(ref("stg_refunds")) }}),

    asked as (
        select
            events.shop_id,
            events.order_id,
            events.event_id as movement_id,
            case when events.event_name = 'refund' then 'refund' else 'cancellation' end as movement_type,
            events.event_ts as moved_at,
            events.event_date as movement_date,
            case when events.event_name = 'refund' then events.value_minor end as asked_minor,
            events.currency,
            events.customer_id,
            events.source,
            -- a refund that names items but no amount is worth an unknown part of the order
            events.event_name = 'refund'
            and events.value_minor is null
            and events.item_id is not null as is_unknown
        from order_events as events
        inner join shops on shops.shop_id = events.shop_id and shops.orders_from = 'events'
        where events.event_name in ('refund', 'cancel_order') and events.is_event_head

        union all

        select
            refunds.shop_id,
            refunds.order_id,
            refunds.refund_id as movement_id,
            'refund' as movement_type,
            refunds.refunded_at as moved_at,
            refunds.refund_date as movement_date,
            refunds.value_minor as asked_minor,
            refunds.currency,
            cast(null as varchar) as customer_id,
            refunds.source,
            refunds.value_minor is null and refunds.line_number is not null as is_unknown
        from table_refunds as refunds
        inner join shops on shops.shop_id = refunds.shop_id and shops.orders_from = 'tables'

        union all

        select
            placed.shop_id,
            placed.order_id,
            'cancellation' as movement_id,
            'cancellation' as movement_type,
            placed.cancelled_at as moved_at,
            {{ local_date("placed.cancelled_at", "shops.timezone") }} as movement_date,
            cast(null as bigint) as asked_minor,
            placed.currency,
            placed.customer_id,
            'orders' as source,
            false as is_unknown
        from placed
        inner join shops on shops.shop_id = placed.shop_id
        where placed.cancelled_at is not null
    ),

    -- how much all refunds so far would take, each at most what the order is worth
    running as (
        select
            asked.*,
            placed.order_id is not null as has_purchase,
            placed.value_minor as order_value_minor,
            cast(
                sum(
                    case when asked.is_unknown then 0 else coalesce(asked.asked_minor, placed.value_minor) end
                ) over (
                    partition by asked.shop_id, asked.order_id
                    order by asked.moved_at, asked.movement_type desc, asked.movement_id
                    rows between unbounded preceding and current row
                ) as bigint
            ) as running_minor,
            case
                when asked.is_unknown then null else coalesce(asked.asked_minor, placed.value_minor)
            end as wanted_minor
        from asked
        left join placed on placed.shop_id = asked.shop_id and placed.order_id = asked.order_id
    ),

    taken as (
        select
            *,
            case
                when wanted_minor is null
                then null
                when order_value_minor is null
                then wanted_minor
                else
                    least(running_minor, order_value_minor)
                    - least(running_minor - wanted_minor, order_value_minor)
            end as taken_minor
        from running
    )

select
    shop_id,
    order_id,
    movement_id,
    movement_type,
    moved_at,
    movement_date,
    - taken_minor as amount_minor,
    case when asked_minor is not null then asked_minor - taken_minor else 0 end as excess_minor,
    currency,
    customer_id,
    source
from taken

union all

select
    shop_id,
    order_id,
    'purchase' as movement_id,
    'purchase' as movement_type,
    ordered_at as moved_at,
    order_date as movement_date,
    value_minor as amount_minor,
    0 as excess_minor,
    currency,
    customer_id,
    order_source as source
from placed

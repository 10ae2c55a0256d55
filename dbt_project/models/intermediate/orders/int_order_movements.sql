{#
  Every movement of an order's money on its own day: the purchase, each refund, the cancellation.
  A refund without an amount, a cancellation, and the order table's word that an order is refunded
  (where no refund row says more) take back all that is left. Refunds of an order whose worth is known
  never exceed it: what was asked beyond that is kept in `excess_minor`.
#}
-- depends_on: {{ ref("int_orders_touched") }}
{{
    config(
        materialized="incremental",
        incremental_strategy="replace_touched",
        meta={"refresh_class": "touched keys", "touched_by": "int_orders_touched", "touched_key": ["shop_id", "order_id"], "partition_column": "movement_date"},
    )
}}

with
    shops as (select * from {{ ref("stg_shops") }}),

    placed as (select * from {{ ref("int_orders_placed") }}),

    order_events as (select * from {{ ref("int_order_events_touched") }} where orders_from = 'events'),

    table_refunds as (select * from {{ ref("int_refunds_touched") }}),

    asked as (
        select
            events.shop_id,
            events.order_id,
            events.event_id as movement_id,
            case when events.event_name = 'refund' then 'refund' else 'cancellation' end as movement_type,
            events.event_ts as moved_at,
            events.event_date as movement_date,
            -- some sources write what was given back with a minus
            case when events.event_name = 'refund' then abs(events.value_minor) end as asked_minor,
            events.currency,
            events.customer_id,
            events.source,
            -- a refund that names items but no amount is worth an unknown part of the order
            events.event_name = 'refund' and events.value_minor is null and events.is_line as is_part
        from order_events as events
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
            refunds.value_minor is null and refunds.line_number is not null as is_part
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
            false as is_part
        from placed
        inner join shops on shops.shop_id = placed.shop_id
        where placed.cancelled_at is not null

        union all

        select
            placed.shop_id,
            placed.order_id,
            'refunded' as movement_id,
            'refund' as movement_type,
            placed.refunded_at as moved_at,
            {{ local_date("placed.refunded_at", "shops.timezone") }} as movement_date,
            cast(null as bigint) as asked_minor,
            placed.currency,
            placed.customer_id,
            'orders' as source,
            false as is_part
        from placed
        inner join shops on shops.shop_id = placed.shop_id
        where
            placed.refunded_at is not null
            and not exists (
                select 1
                from table_refunds as refunds
                where refunds.shop_id = placed.shop_id and refunds.order_id = placed.order_id
            )
    ),

    wished as (
        select
            asked.*,
            placed.value_minor as order_value_minor,
            asked.asked_minor is null and not asked.is_part as takes_all,
            case
                when asked.is_part
                then null
                -- without a rate table an amount in another currency says nothing about what is left
                when asked.currency <> placed.currency
                then null
                else coalesce(asked.asked_minor, placed.value_minor)
            end as wanted_minor
        from asked
        left join placed on placed.shop_id = asked.shop_id and placed.order_id = asked.order_id
    ),

    -- how much all refunds so far would take
    running as (
        select
            *,
            cast(
                sum(coalesce(wanted_minor, 0)) over (
                    partition by shop_id, order_id
                    order by moved_at, movement_type desc, movement_id
                    rows between unbounded preceding and current row
                ) as bigint
            ) as running_minor
        from wished
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
    coalesce(case when wanted_minor is not null then asked_minor - taken_minor end, 0) as excess_minor,
    takes_all,
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
    false as takes_all,
    currency,
    customer_id,
    order_source as source
from placed

{#
  What was said of each touched order, one row a time: purchase hits, refunds, cancellations, each as it was said
  then. Of the rows of shop tables the first version counts. Part of `int_order_money_days`.
#}
{{ config(materialized="ephemeral") }}

with
    shops as (select * from {{ ref("stg_shops") }}),

    order_events as (select * from {{ ref("int_order_events_touched") }} where orders_from = 'events'),

    event_units as (
        select shop_id, event_date, event_id, cast(sum(quantity) as bigint) as units
        from order_events
        where is_line
        group by shop_id, event_date, event_id
    ),

    order_versions as (
        select
            *,
            row_number() over (
                partition by shop_id, order_id order by updated_at, content_hash
            ) as version_number
        from ({{ touched_rows(ref("stg_orders")) }}) as versions
    ),

    line_versions as (
        select
            *,
            row_number() over (
                partition by shop_id, order_id, line_number order by updated_at, content_hash
            ) as version_number
        from ({{ touched_rows(ref("stg_order_items")) }}) as versions
    ),

    -- a line that was added on a later day was not known when the order was new
    table_units as (
        select lines.shop_id, lines.order_id, cast(sum(lines.quantity) as bigint) as units
        from line_versions as lines
        inner join
            order_versions as orders
            on orders.shop_id = lines.shop_id
            and orders.order_id = lines.order_id
            and orders.version_number = 1
        inner join shops on shops.shop_id = lines.shop_id
        where
            lines.version_number = 1
            and {{ local_date("lines.updated_at", "shops.timezone") }}
            <= {{ local_date("orders.updated_at", "shops.timezone") }}
        group by lines.shop_id, lines.order_id
    ),

    all_refunds as (select * from {{ ref("stg_refunds") }}),

    -- a later version may have moved a refund to another order: of the refunds that a touched order is
    -- named in all versions are numbered, of others none
    touched_refunds as (
        select distinct shop_id, refund_id from ({{ touched_rows("all_refunds") }}) as touched_versions
    ),

    first_versions as (
        select *
        from
            (
                select
                    all_refunds.*,
                    row_number() over (
                        partition by all_refunds.shop_id, all_refunds.refund_id
                        order by all_refunds.updated_at, all_refunds.content_hash
                    ) as version_number
                from all_refunds
                inner join
                    touched_refunds
                    on touched_refunds.shop_id = all_refunds.shop_id
                    and touched_refunds.refund_id = all_refunds.refund_id
            ) as numbered
        where version_number = 1
    ),

    first_refunds as ({{ touched_rows("first_versions") }})

select
    events.shop_id,
    events.order_id,
    events.event_name || ':' || events.event_id as moment_id,
    case events.event_name when 'purchase' then 1 when 'refund' then 2 else 3 end as kind,
    events.event_ts as moved_at,
    events.event_date as movement_date,
    events.customer_id,
    events.currency,
    case when events.event_name = 'purchase' then events.value_minor end as worth_minor,
    case when events.event_name = 'refund' then abs(events.value_minor) end as asked_minor,
    events.event_name = 'cancel_order'
    or (events.event_name = 'refund' and events.value_minor is null and not events.is_line) as takes_all,
    events.coupon is not null or coalesce(events.event_discount_minor, 0) > 0 as is_discounted,
    events.event_discount_minor as discount_minor,
    event_units.units
from order_events as events
left join
    event_units
    on event_units.shop_id = events.shop_id
    and event_units.event_date = events.event_date
    and event_units.event_id = events.event_id
where events.is_event_head

union all

select
    versions.shop_id,
    versions.order_id,
    'order' as moment_id,
    1 as kind,
    versions.ordered_at as moved_at,
    versions.order_date as movement_date,
    versions.customer_id,
    versions.currency,
    versions.value_minor as worth_minor,
    cast(null as bigint) as asked_minor,
    false as takes_all,
    versions.coupon is not null or coalesce(versions.discount_minor, 0) > 0 as is_discounted,
    versions.discount_minor,
    table_units.units
from order_versions as versions
inner join shops on shops.shop_id = versions.shop_id and shops.orders_from = 'tables'
left join table_units on table_units.shop_id = versions.shop_id and table_units.order_id = versions.order_id
where versions.version_number = 1

union all

select
    versions.shop_id,
    versions.order_id,
    'cancelled' as moment_id,
    3 as kind,
    min(coalesce(versions.cancelled_at, versions.updated_at)) as moved_at,
    {{ local_date("min(coalesce(versions.cancelled_at, versions.updated_at))", "min(shops.timezone)") }}
    as movement_date,
    cast(null as varchar) as customer_id,
    cast(null as varchar) as currency,
    cast(null as bigint) as worth_minor,
    cast(null as bigint) as asked_minor,
    true as takes_all,
    false as is_discounted,
    cast(null as bigint) as discount_minor,
    cast(null as bigint) as units
from order_versions as versions
inner join shops on shops.shop_id = versions.shop_id and shops.orders_from = 'tables'
where versions.status = 'cancelled' or versions.cancelled_at is not null
group by versions.shop_id, versions.order_id

union all

select
    refunds.shop_id,
    refunds.order_id,
    'refund:' || refunds.refund_id as moment_id,
    2 as kind,
    refunds.refunded_at as moved_at,
    refunds.refund_date as movement_date,
    cast(null as varchar) as customer_id,
    refunds.currency,
    cast(null as bigint) as worth_minor,
    abs(refunds.value_minor) as asked_minor,
    refunds.value_minor is null and refunds.line_number is null as takes_all,
    false as is_discounted,
    cast(null as bigint) as discount_minor,
    cast(null as bigint) as units
from first_refunds as refunds
inner join shops on shops.shop_id = refunds.shop_id and shops.orders_from = 'tables'

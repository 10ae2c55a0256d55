{{
    config(
        materialized="incremental",
        incremental_strategy="replace_touched",
        meta={"refresh_class": "touched keys", "touched_by": "int_orders_touched", "touched_key": ["shop_id", "order_id"], "partition_column": "order_date", "publish_by": "order_date", "key": ["shop_id", "order_id"]},
    )
}}

with
    placed as (select * from {{ ref("int_orders_placed") }}),

    movements as ({{ touched_rows(ref("int_order_movements")) }}),

    settled as (
        select
            shop_id,
            order_id,
            min(case when movement_type <> 'purchase' then moved_at end) as first_refunded_at,
            max(case when movement_type <> 'purchase' then moved_at end) as last_refunded_at,
            min(case when movement_type <> 'purchase' then movement_date end) as first_refund_date,
            max(case when movement_type = 'cancellation' then moved_at end) as cancelled_at,
            cast(
                coalesce(sum(case when movement_type <> 'purchase' then - amount_minor end), 0) as bigint
            ) as refund_minor,
            cast(coalesce(sum(excess_minor), 0) as bigint) as excess_refund_minor,
            count(case when movement_type = 'refund' then 1 end) as refunds,
            count(
                case when movement_type <> 'purchase' and amount_minor is null then 1 end
            ) as unknown_refunds,
            bool_or(movement_type = 'refund' and takes_all) as is_taken_back_whole,
            min(currency) as currency,
            min(customer_id) as customer_id
        from movements
        group by shop_id, order_id
    ),

    lines as (
        select shop_id, order_id, count(*) as line_count, cast(sum(quantity) as bigint) as units
        from {{ ref("fct_order_items") }}
        where line_type = 'purchase' and (shop_id, order_id) in (select (shop_id, order_id) from placed)
        group by shop_id, order_id
    )

select
    settled.shop_id,
    settled.order_id,
    coalesce(placed.order_date, settled.first_refund_date) as order_date,
    coalesce(placed.ordered_at, settled.first_refunded_at) as ordered_at,
    case
        when placed.order_id is null
        then 'refund_only'
        when settled.cancelled_at is not null
        then 'cancelled'
        when settled.is_taken_back_whole
        then 'refunded'
        when settled.refund_minor > 0 and settled.refund_minor >= placed.value_minor
        then 'refunded'
        when settled.refunds > 0
        then 'partially_refunded'
        else 'completed'
    end as status,
    placed.order_id is not null as has_purchase,
    coalesce(placed.order_source, shops.orders_from) as order_source,
    coalesce(placed.customer_id, settled.customer_id) as customer_id,
    placed.device_id,
    placed.visitor_id,
    placed.session_id,
    cast(coalesce(placed.purchase_events, 0) as bigint) as purchase_events,
    coalesce(lines.line_count, 0) as line_count,
    lines.units,
    coalesce(placed.currency, settled.currency) as currency,
    case when placed.order_id is null then 0 else placed.value_minor end as revenue_minor,
    placed.discount_minor,
    placed.tax_minor,
    placed.shipping_minor,
    settled.refund_minor,
    settled.excess_refund_minor,
    case when placed.order_id is null then 0 else placed.value_minor end
    - settled.refund_minor as net_revenue_minor,
    settled.refunds,
    settled.unknown_refunds,
    settled.first_refund_date,
    settled.last_refunded_at,
    settled.cancelled_at,
    placed.coupon,
    placed.payment_method,
    placed.channel,
    placed.utm_campaign,
    placed.device,
    placed.country,
    placed.region,
    placed.city
from settled
inner join {{ ref("stg_shops") }} as shops on shops.shop_id = settled.shop_id
left join placed on placed.shop_id = settled.shop_id and placed.order_id = settled.order_id
left join lines on lines.shop_id = settled.shop_id and lines.order_id = settled.order_id

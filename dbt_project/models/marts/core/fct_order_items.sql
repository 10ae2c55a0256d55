-- depends_on: {{ ref("int_orders_touched") }}
{{
    config(
        materialized="incremental",
        incremental_strategy="replace_touched",
        meta={"refresh_class": "touched keys", "touched_by": "int_orders_touched", "touched_key": ["shop_id", "order_id"], "partition_column": "line_date", "publish_by": "line_date", "key": ["shop_id", "order_id", "line_id"]},
    )
}}

with
    placed as (select * from {{ ref("int_orders_placed") }}),

    order_lines as (select * from {{ ref("int_order_events_touched") }} where is_line),

    table_items as ({{ latest_touched(ref("stg_order_items"), ["order_id", "line_number"]) }}),

    table_refunds as (select * from {{ ref("int_refunds_touched") }}),

    lines as (
        -- lines of the purchase event that stands for the order
        select
            events.shop_id,
            events.order_id,
            'purchase' as line_type,
            events.event_id as line_source_id,
            coalesce(events.item_index, 0) as line_number,
            placed.ordered_at as line_ts,
            placed.order_date as line_date,
            placed.customer_id,
            events.item_id,
            events.item_name,
            events.item_variant,
            events.item_category,
            events.item_brand,
            events.price_minor,
            events.quantity,
            events.discount_minor,
            events.currency
        from order_lines as events
        inner join
            placed
            on placed.shop_id = events.shop_id
            and placed.order_id = events.order_id
            and placed.purchase_event_id = events.event_id
            and placed.purchase_event_date = events.event_date
        where events.event_name = 'purchase'

        union all

        -- lines of the order table
        select
            items.shop_id,
            items.order_id,
            'purchase' as line_type,
            'order_items' as line_source_id,
            items.line_number,
            placed.ordered_at as line_ts,
            placed.order_date as line_date,
            placed.customer_id,
            items.item_id,
            items.item_name,
            items.item_variant,
            items.item_category,
            items.item_brand,
            items.price_minor,
            items.quantity,
            items.discount_minor,
            coalesce(items.currency, placed.currency) as currency
        from table_items as items
        inner join
            placed
            on placed.shop_id = items.shop_id
            and placed.order_id = items.order_id
            and placed.order_source = 'tables'

        union all

        -- returned items, as refund events name them
        select
            events.shop_id,
            events.order_id,
            'refund' as line_type,
            events.event_id as line_source_id,
            coalesce(events.item_index, 0) as line_number,
            events.event_ts as line_ts,
            events.event_date as line_date,
            coalesce(placed.customer_id, events.customer_id) as customer_id,
            events.item_id,
            events.item_name,
            events.item_variant,
            events.item_category,
            events.item_brand,
            events.price_minor,
            - events.quantity as quantity,
            - events.discount_minor as discount_minor,
            events.currency
        from order_lines as events
        left join placed on placed.shop_id = events.shop_id and placed.order_id = events.order_id
        where events.event_name = 'refund' and events.orders_from = 'events'

        union all

        -- returned lines, as the refund table names them
        select
            refunds.shop_id,
            refunds.order_id,
            'refund' as line_type,
            refunds.refund_id as line_source_id,
            refunds.line_number,
            refunds.refunded_at as line_ts,
            refunds.refund_date as line_date,
            placed.customer_id,
            items.item_id,
            items.item_name,
            items.item_variant,
            items.item_category,
            items.item_brand,
            items.price_minor,
            - refunds.quantity as quantity,
            cast(null as bigint) as discount_minor,
            refunds.currency
        from table_refunds as refunds
        inner join
            placed
            on placed.shop_id = refunds.shop_id
            and placed.order_id = refunds.order_id
            and placed.order_source = 'tables'
        inner join
            table_items as items
            on items.shop_id = refunds.shop_id
            and items.order_id = refunds.order_id
            and items.line_number = refunds.line_number
    )

select
    shop_id,
    order_id,
    {{ hash_key(["line_type", "line_source_id", "line_number"]) }} as line_id,
    line_type,
    line_number,
    line_ts,
    line_date,
    customer_id,
    item_id,
    item_name,
    item_variant,
    item_category,
    item_brand,
    price_minor,
    quantity,
    discount_minor,
    price_minor * quantity - coalesce(discount_minor, 0) as line_amount_minor,
    currency
from lines

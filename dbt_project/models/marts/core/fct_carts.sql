-- depends_on: {{ ref("int_cart_visitors_touched") }}
{{
    config(
        materialized="incremental",
        incremental_strategy="replace_changed",
        meta={"refresh_class": "touched keys", "touched_by": "int_cart_visitors_touched", "touched_key": ["shop_id", "visitor_id"], "partition_column": "last_active_date", "publish_by": "last_active_date", "key": ["shop_id", "cart_id"]},
    )
}}

with
    carts as (
        select
            shop_id,
            cart_id,
            min(visitor_id) as visitor_id,
            {{ last_value_by_time("case when is_event_head then customer_id end") }} as customer_id,
            min(cart_date) as cart_date,
            max(event_date) as last_active_date,
            min(started_at) as started_at,
            max(case when step_kind = 1 then event_ts end) as last_added_at,
            bool_or(step_kind = 3) as is_bought,
            min(case when step_kind = 3 then event_ts end) as purchased_at,
            min(case when step_kind = 3 then order_id end) as order_id,
            count(case when step_kind = 1 then 1 end) as adds,
            count(case when step_kind = 2 then 1 end) as removes,
            min(currency) as currency
        from {{ ref("int_cart_steps") }}
        group by shop_id, cart_id
    ),

    lines as (
        select
            shop_id,
            cart_id,
            count(case when units_left > 0 then 1 end) as items,
            cast(sum(units_added) as bigint) as units_added,
            cast(sum(units_left) as bigint) as units,
            cast(sum(units_of_unknown_price) as bigint) as units_of_unknown_price,
            cast(sum(value_minor) as bigint) as value_minor,
            cast(sum(value_bought_minor) as bigint) as value_bought_minor
        from {{ ref("int_cart_lines") }}
        where
            (shop_id, visitor_id)
            in (select (shop_id, visitor_id) from {{ ref("int_cart_visitors_touched") }})
        group by shop_id, cart_id
    ),

    valued as (
        select
            carts.*,
            lines.items,
            lines.units_added,
            lines.units,
            lines.units_of_unknown_price,
            -- an empty cart is worth nothing, one of unknown prices is worth something unknown
            case when lines.units = 0 then 0 else lines.value_minor end as value_minor,
            case
                when not carts.is_bought or lines.units = 0
                then 0
                when lines.value_minor is not null
                then coalesce(lines.value_bought_minor, 0)
            end as value_bought_minor
        from carts
        inner join lines on lines.shop_id = carts.shop_id and lines.cart_id = carts.cart_id
    )

select
    shop_id,
    cart_id,
    visitor_id,
    customer_id,
    cart_date,
    last_active_date,
    started_at,
    last_added_at,

    -- what became of it
    case when is_bought then 'bought' when units = 0 then 'emptied' else 'abandoned' end as cart_status,
    is_bought,
    not is_bought and units > 0 as is_abandoned,
    order_id,
    purchased_at,

    -- what is in it
    adds,
    removes,
    units_added,
    items,
    units,
    units_of_unknown_price,
    value_minor,
    case when value_minor is not null then value_bought_minor end as value_bought_minor,
    value_minor - value_bought_minor as value_left_minor,
    currency
from valued

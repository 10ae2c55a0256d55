-- depends_on: {{ ref("int_cart_visitors_touched") }}
{{
    config(
        materialized="incremental",
        incremental_strategy="replace_changed",
        meta={"refresh_class": "touched keys", "touched_by": "int_cart_visitors_touched", "touched_key": ["shop_id", "visitor_id"], "partition_column": "last_active_date", "key": ["shop_id", "cart_id", "item_id"]},
    )
}}

{#
  What each item of a cart came to. Removals take away what was added first, and never more than there
  is; a purchase takes of what is left what it names, and all of it when it names no item or no number.
#}
with
    steps as (select *, coalesce(item_id, '(not set)') as line_item_id from {{ ref("int_cart_steps") }}),

    carts as (
        select
            shop_id,
            cart_id,
            max(event_date) as last_active_date,
            bool_or(step_kind = 3) as is_bought,
            bool_or(step_kind = 3 and item_id is not null) as names_items
        from steps
        group by shop_id, cart_id
    ),

    -- how much was in the cart after each step, had it been allowed to go below nothing
    running as (
        select
            *,
            cast(
                sum(case when step_kind = 1 then units else - units end) over (
                    partition by shop_id, cart_id, line_item_id
                    order by event_ts, step_kind, event_id, item_index
                    rows between unbounded preceding and current row
                ) as bigint
            ) as running_units,
            cast(
                sum(case when step_kind = 1 then units else 0 end) over (
                    partition by shop_id, cart_id, line_item_id
                    order by event_ts, step_kind, event_id, item_index
                    rows between unbounded preceding and current row
                ) as bigint
            ) as units_so_far
        from steps
        where step_kind in (1, 2)
    ),

    purchased as (
        select
            shop_id,
            cart_id,
            line_item_id,
            cast(sum(units) as bigint) as units,
            bool_or(units is null) as is_without_number
        from steps
        where step_kind = 3
        group by shop_id, cart_id, line_item_id
    ),

    lines as (
        select
            shop_id,
            cart_id,
            line_item_id,
            min(visitor_id) as visitor_id,
            min(cart_date) as cart_date,
            min(currency) as currency,
            min(case when step_kind = 1 then event_ts end) as first_added_at,
            min(item_category) as item_category,
            min(item_brand) as item_brand,
            count(case when step_kind = 1 then 1 end) as adds,
            count(case when step_kind = 2 then 1 end) as removes,
            cast(sum(case when step_kind = 1 then units else 0 end) as bigint) as units_added,
            -- below nothing there is nothing: what was removed beyond is forgotten
            cast(
                sum(case when step_kind = 1 then units else - units end)
                - least(0, min(running_units)) as bigint
            ) as units_left
        from running
        group by shop_id, cart_id, line_item_id
    ),

    counted as (
        select
            lines.*,
            carts.last_active_date,
            carts.is_bought,
            case
                when not carts.is_bought
                then 0
                when not carts.names_items or purchased.is_without_number
                then lines.units_left
                else least(lines.units_left, coalesce(purchased.units, 0))
            end as units_bought
        from lines
        inner join carts on carts.shop_id = lines.shop_id and carts.cart_id = lines.cart_id
        left join
            purchased
            on purchased.shop_id = lines.shop_id
            and purchased.cart_id = lines.cart_id
            and purchased.line_item_id = lines.line_item_id
        where lines.adds > 0
    ),

    -- of the units added in a row those from `units_added - units_left` on are still there
    parts as (
        select
            counted.shop_id,
            counted.cart_id,
            counted.line_item_id,
            running.price_minor,
            greatest(
                running.units_so_far
                - greatest(running.units_so_far - running.units, counted.units_added - counted.units_left),
                0
            ) as units,
            greatest(
                least(running.units_so_far, counted.units_added - counted.units_left + counted.units_bought)
                - greatest(running.units_so_far - running.units, counted.units_added - counted.units_left),
                0
            ) as bought
        from counted
        inner join
            running
            on running.shop_id = counted.shop_id
            and running.cart_id = counted.cart_id
            and running.line_item_id = counted.line_item_id
            and running.step_kind = 1
    ),

    valued as (
        select
            shop_id,
            cart_id,
            line_item_id,
            cast(sum(case when units > 0 then price_minor * units end) as bigint) as value_minor,
            cast(sum(case when bought > 0 then price_minor * bought end) as bigint) as value_bought_minor,
            cast(sum(case when price_minor is null then units else 0 end) as bigint) as units_of_unknown_price
        from parts
        group by shop_id, cart_id, line_item_id
    )

select
    counted.shop_id,
    counted.cart_id,
    counted.line_item_id as item_id,
    counted.visitor_id,
    counted.cart_date,
    counted.last_active_date,
    counted.is_bought,
    counted.first_added_at,
    counted.item_category,
    counted.item_brand,
    counted.adds,
    counted.removes,
    counted.units_added,
    counted.units_left,
    counted.units_bought,
    valued.units_of_unknown_price,
    valued.value_minor,
    valued.value_bought_minor,
    counted.currency
from counted
inner join
    valued
    on valued.shop_id = counted.shop_id
    and valued.cart_id = counted.cart_id
    and valued.line_item_id = counted.line_item_id

{#
  What the touched visitors did to their carts, cart by cart, computed once for the models of carts.

  A cart begins with the first thing added after the previous cart closed. It closes with a purchase, or
  when `cart_gap_days` days pass without anything being added, removed or bought. Of equal times additions
  come first and purchases last: what is added in the microsecond of a purchase was bought by it.
#}
{{ config(materialized="table", meta={"refresh_class": "per run"}) }}

with
    shops as (select * from {{ ref("stg_shops") }}),

    touched as (
        select events.*
        from {{ ref("int_cart_events") }} as events
        inner join
            {{ ref("int_cart_visitors_touched") }} as visitors
            on visitors.shop_id = events.shop_id
            and visitors.visitor_id = events.visitor_id
    ),

    -- the page that says thank you, loaded again, buys nothing a second time
    purchases as (
        select
            *,
            dense_rank() over (
                partition by
                    shop_id, visitor_id, coalesce(order_id, cast(event_date as varchar) || '|' || event_id)
                order by event_ts, event_id, event_date
            ) as hit_number
        from touched
        where event_name = 'purchase'
    ),

    steps as (
        select *, 1 as hit_number, case event_name when 'add_to_cart' then 1 else 2 end as step_kind
        from touched
        where event_name <> 'purchase'

        union all

        select *, 3 as step_kind
        from purchases
        where hit_number = 1
    ),

    moments as (
        select shop_id, visitor_id, event_ts, step_kind
        from steps
        group by shop_id, visitor_id, event_ts, step_kind
    ),

    followed as (
        select
            *,
            lag(event_ts) over (partition by shop_id, visitor_id order by event_ts, step_kind) as previous_ts,
            lag(step_kind) over (
                partition by shop_id, visitor_id order by event_ts, step_kind
            ) as previous_kind
        from moments
    ),

    -- a new stretch after a purchase or a gap; a cart is what a stretch holds from its first addition on
    stretches as (
        select
            shop_id,
            visitor_id,
            event_ts,
            step_kind,
            sum(
                case
                    when previous_kind = 3
                    then 1
                    when event_ts > previous_ts + interval '{{ var("cart_gap_days") }}' day
                    then 1
                    else 0
                end
            ) over (
                partition by shop_id, visitor_id
                order by event_ts, step_kind
                rows between unbounded preceding and current row
            ) as stretch
        from followed
    ),

    begun as (
        select
            *,
            min(case when step_kind = 1 then event_ts end) over (
                partition by shop_id, visitor_id, stretch
            ) as started_at
        from stretches
    ),

    carts as (select * from begun where event_ts >= started_at)

select
    steps.shop_id,
    steps.visitor_id,
    {{ hash_key(["steps.shop_id", "steps.visitor_id", epoch_us("carts.started_at")]) }} as cart_id,
    carts.started_at,
    {{ local_date("carts.started_at", "shops.timezone") }} as cart_date,
    steps.step_kind,
    steps.event_ts,
    steps.event_date,
    steps.event_id,
    steps.item_index,
    steps.is_event_head,
    steps.customer_id,
    steps.order_id,
    steps.item_id,
    steps.item_category,
    steps.item_brand,
    -- an event that does not say how many speaks of one, as GA4 has it
    case when steps.step_kind = 3 then steps.quantity else coalesce(steps.quantity, 1) end as units,
    -- without a rate table a price in another currency says nothing
    case when steps.currency = shops.currency then steps.price_minor end as price_minor,
    shops.currency
from steps
inner join
    carts
    on carts.shop_id = steps.shop_id
    and carts.visitor_id = steps.visitor_id
    and carts.event_ts = steps.event_ts
    and carts.step_kind = steps.step_kind
inner join shops on shops.shop_id = steps.shop_id

{#
  What the touched visitors did to their carts, cart by cart, computed once for the models of carts.

  A cart begins with the first thing added after the previous cart closed. It closes with a purchase, or
  when `cart_gap_days` days pass without anything being added, removed or bought. Of equal times additions
  come first and purchases last: what is added in the microsecond of a purchase was bought by it.

  A purchase that the shop's server sends names its customer and no device. It closes the carts on those
  devices that were last used by this customer, as the device's own events up to it say (the first and the
  last of a day that name somebody). `dim_identities` is made later than carts and is not asked.
#}
{{ config(materialized="table", meta={"refresh_class": "per run"}) }}

{%- set columns = ["shop_id", "event_date", "event_id", "item_index", "is_event_head", "event_name", "event_ts"] -%}
{%- set columns = columns + ["customer_id", "item_id", "item_category", "item_brand", "price_minor", "quantity"] -%}
{%- set columns = columns + ["currency", "order_id"] %}

with
    shops as (select * from {{ ref("stg_shops") }}),

    touched as (select * from {{ ref("int_cart_visitors_touched") }}),

    own as (
        select events.*
        from {{ ref("int_cart_events") }} as events
        inner join touched on touched.shop_id = events.shop_id and touched.visitor_id = events.visitor_id
    ),

    -- who was seen on a touched device, and when
    named as (
        {% for moment in ["first_event_ts", "last_event_ts"] %}
            select days.shop_id, days.visitor_id, days.customer_id, days.{{ moment }} as named_at
            from {{ ref("int_customer_days") }} as days
            inner join touched on touched.shop_id = days.shop_id and touched.visitor_id = days.visitor_id
            where days.is_device {{ "union" if not loop.last }}
        {% endfor %}
    ),

    sent_by_the_server as (
        select purchases.*, devices.visitor_id as device_id
        from (select distinct shop_id, visitor_id, customer_id from named) as devices
        inner join
            {{ ref("int_cart_events") }} as purchases
            on purchases.shop_id = devices.shop_id
            and purchases.visitor_id = 'customer:' || devices.customer_id
        where purchases.event_name = 'purchase'
    ),

    -- one pass over what happened on a device in its order: a till has thousands of customers
    on_devices as (
        select
            shop_id,
            visitor_id,
            named_at as at_ts,
            1 as is_named,
            customer_id,
            cast(null as date) as event_date,
            cast(null as varchar) as event_id
        from named
        union all
        select shop_id, device_id, event_ts, 0, null, event_date, event_id
        from sent_by_the_server
        where is_event_head
    ),

    in_turn as (
        select
            *,
            sum(is_named) over (
                partition by shop_id, visitor_id
                order by at_ts, is_named desc, customer_id desc, event_date, event_id
                rows between unbounded preceding and current row
            ) as turn
        from on_devices
    ),

    -- whose turn on the device it was at the purchase
    users_then as (
        select
            *,
            max(case when is_named = 1 then customer_id end) over (
                partition by shop_id, visitor_id, turn
            ) as user_then
        from in_turn
    ),

    cart_events as (
        select {{ columns | join(", ") }}, visitor_id
        from own
        union all
        select sent.{{ columns | join(", sent.") }}, sent.device_id as visitor_id
        from sent_by_the_server as sent
        inner join
            users_then
            on users_then.shop_id = sent.shop_id
            and users_then.visitor_id = sent.device_id
            and users_then.event_date = sent.event_date
            and users_then.event_id = sent.event_id
            and users_then.user_then = sent.customer_id
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
        from cart_events
        where event_name = 'purchase'
    ),

    steps as (
        select *, 1 as hit_number, case event_name when 'add_to_cart' then 1 else 2 end as step_kind
        from cart_events
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

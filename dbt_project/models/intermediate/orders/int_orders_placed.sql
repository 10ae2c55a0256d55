{#
  One row per touched order as it was placed, wherever the shop keeps its orders. Shops whose
  `orders_from` is `tables` trust their order table; the others trust purchase events, of which
  repeats (page reloads) collapse: the repeat with the greatest stated value stands for the order.
#}
{{ config(materialized="table", meta={"refresh_class": "per run"}) }}

with
    shops as (select * from {{ ref("stg_shops") }}),

    purchases as (
        select * from {{ ref("int_order_events_touched") }} where event_name = 'purchase' and is_event_head
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by shop_id, order_id
                order by value_minor desc nulls last, event_ts, event_id, event_date
            ) as value_rank,
            row_number() over (
                partition by shop_id, order_id order by event_ts, event_id, event_date
            ) as time_rank
        from purchases
    ),

    -- what every hit of the order says about who bought
    buyers as (
        select
            shop_id,
            order_id,
            min(case when time_rank = 1 then event_ts end) as first_ts,
            min(case when time_rank = 1 then event_date end) as first_date,
            min(case when time_rank = 1 then visitor_id end) as visitor_id,
            min(case when time_rank = 1 then session_id end) as session_id,
            min(customer_id) as customer_id,
            min(device_id) as device_id,
            count(*) as purchase_events
        from ranked
        group by shop_id, order_id
    ),

    from_events as (
        select
            stated.shop_id,
            stated.order_id,
            'events' as order_source,
            stated.event_id as purchase_event_id,
            stated.event_date as purchase_event_date,
            buyers.first_ts as ordered_at,
            buyers.first_date as order_date,
            coalesce(stated.customer_id, buyers.customer_id) as customer_id,
            coalesce(stated.device_id, buyers.device_id) as device_id,
            buyers.visitor_id,
            buyers.session_id,
            buyers.purchase_events,
            stated.value_minor,
            stated.event_discount_minor as discount_minor,
            stated.tax_minor,
            stated.shipping_minor,
            stated.currency,
            stated.coupon,
            stated.payment_method,
            stated.channel,
            stated.utm_campaign,
            stated.device,
            stated.country,
            stated.region,
            stated.city,
            cast(null as timestamp) as cancelled_at,
            cast(null as timestamp) as refunded_at
        from ranked as stated
        inner join buyers on buyers.shop_id = stated.shop_id and buyers.order_id = stated.order_id
        where stated.value_rank = 1 and stated.orders_from = 'events'
    ),

    table_orders as ({{ latest_touched(ref("stg_orders"), ["order_id"]) }}),

    order_versions as ({{ touched_rows(ref("stg_orders")) }}),

    -- since when the order has been in its present state: the first version after the last other one
    final_versions as (
        select
            versions.shop_id,
            versions.order_id,
            versions.updated_at,
            versions.status is distinct from latest.status as is_other,
            max(case when versions.status is distinct from latest.status then versions.updated_at end) over (
                partition by versions.shop_id, versions.order_id
            ) as last_other_at
        from order_versions as versions
        inner join
            table_orders as latest
            on latest.shop_id = versions.shop_id
            and latest.order_id = versions.order_id
    ),

    states as (
        select shop_id, order_id, min(updated_at) as since
        from final_versions
        where not is_other and (last_other_at is null or updated_at > last_other_at)
        group by shop_id, order_id
    ),

    first_hits as (select * from ranked where time_rank = 1),

    from_tables as (
        select
            placed.shop_id,
            placed.order_id,
            'tables' as order_source,
            cast(null as varchar) as purchase_event_id,
            cast(null as date) as purchase_event_date,
            placed.ordered_at,
            placed.order_date,
            coalesce(placed.customer_id, buyers.customer_id) as customer_id,
            coalesce(placed.device_id, buyers.device_id) as device_id,
            coalesce(buyers.visitor_id, placed.device_id, 'customer:' || placed.customer_id) as visitor_id,
            buyers.session_id,
            coalesce(buyers.purchase_events, 0) as purchase_events,
            placed.value_minor,
            placed.discount_minor,
            placed.tax_minor,
            placed.shipping_minor,
            placed.currency,
            placed.coupon,
            placed.payment_method,
            coalesce(placed.channel, first_hits.channel) as channel,
            coalesce(placed.utm_campaign, first_hits.utm_campaign) as utm_campaign,
            first_hits.device,
            coalesce(placed.country, first_hits.country) as country,
            coalesce(placed.region, first_hits.region) as region,
            coalesce(placed.city, first_hits.city) as city,
            case
                when placed.status = 'cancelled' or placed.cancelled_at is not null
                then coalesce(placed.cancelled_at, states.since, placed.updated_at)
            end as cancelled_at,
            case
                when placed.status = 'refunded' then coalesce(states.since, placed.updated_at)
            end as refunded_at
        from table_orders as placed
        inner join shops on shops.shop_id = placed.shop_id and shops.orders_from = 'tables'
        left join states on states.shop_id = placed.shop_id and states.order_id = placed.order_id
        left join buyers on buyers.shop_id = placed.shop_id and buyers.order_id = placed.order_id
        left join first_hits on first_hits.shop_id = placed.shop_id and first_hits.order_id = placed.order_id
    )

select *
from from_events
union all
select *
from from_tables

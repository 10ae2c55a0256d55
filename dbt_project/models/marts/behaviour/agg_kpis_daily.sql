{{ config(tags=["whole"], meta={"refresh_class": "from daily", "key": ["shop_id", "kpi_date"]}) }}

with
    shops as (select * from {{ ref("stg_shops") }}),

    traffic as (select * from {{ ref("int_traffic_daily") }}),

    placed as (
        select
            orders.shop_id,
            orders.order_date as kpi_date,
            count(*) as orders,
            count(distinct orders.customer_id) as buyers,
            count(case when orders.currency <> shops.currency then 1 end) as orders_in_other_currency,
            count(case when orders.revenue_minor is null then 1 end) as orders_of_unknown_value,
            count(case when orders.currency = shops.currency then 1 end) as orders_in_currency,
            count(
                case when orders.currency = shops.currency and orders.revenue_minor is not null then 1 end
            ) as orders_of_known_value,
            cast(sum(orders.units) as bigint) as units,
            cast(
                sum(case when orders.currency = shops.currency then orders.revenue_minor end) as bigint
            ) as revenue_minor,
            cast(
                sum(case when orders.currency = shops.currency then orders.refund_minor end) as bigint
            ) as refund_of_days_orders_minor,
            cast(
                sum(case when orders.currency = shops.currency then orders.net_revenue_minor end) as bigint
            ) as net_revenue_of_days_orders_minor
        from {{ ref("fct_orders") }} as orders
        inner join shops on shops.shop_id = orders.shop_id
        where orders.has_purchase
        group by orders.shop_id, orders.order_date
    ),

    taken_back as (
        select
            movements.shop_id,
            movements.movement_date as kpi_date,
            count(case when movements.movement_type = 'refund' then 1 end) as refunds,
            count(case when movements.movement_type = 'cancellation' then 1 end) as cancellations,
            cast(
                sum(case when movements.currency = shops.currency then - movements.amount_minor end) as bigint
            ) as refund_minor
        from {{ ref("int_order_movements") }} as movements
        inner join shops on shops.shop_id = movements.shop_id
        where movements.movement_type <> 'purchase'
        group by movements.shop_id, movements.movement_date
    ),

    days as (
        select shop_id, event_date as kpi_date
        from traffic
        union
        select shop_id, kpi_date
        from placed
        union
        select shop_id, kpi_date
        from taken_back
    ),

    earned as (
        select
            days.shop_id,
            days.kpi_date,
            coalesce(traffic.visitors, 0) as visitors,
            case
                when coalesce(placed.orders_in_currency, 0) = 0 then 0 else placed.revenue_minor
            end as revenue_minor
        from days
        left join traffic on traffic.shop_id = days.shop_id and traffic.event_date = days.kpi_date
        left join placed on placed.shop_id = days.shop_id and placed.kpi_date = days.kpi_date
    )

select
    earned.shop_id,
    earned.kpi_date,

    -- traffic
    earned.visitors,
    coalesce(traffic.sessions, 0) as sessions,
    coalesce(traffic.bounces, 0) as bounces,
    coalesce(traffic.events, 0) as events,
    coalesce(traffic.page_views, 0) as page_views,
    coalesce(traffic.product_views, 0) as product_views,
    coalesce(traffic.cart_adds, 0) as cart_adds,
    coalesce(traffic.checkouts, 0) as checkouts,
    coalesce(traffic.visitors_with_cart, 0) as visitors_with_cart,
    coalesce(traffic.visitors_with_purchase, 0) as visitors_with_purchase,
    coalesce(traffic.sessions_with_purchase, 0) as sessions_with_purchase,
    coalesce(traffic.session_duration_ms, 0) as session_duration_ms,
    coalesce(traffic.bot_visitors, 0) as bot_visitors,
    coalesce(traffic.bot_sessions, 0) as bot_sessions,
    coalesce(traffic.bot_events, 0) as bot_events,

    -- orders by the day they were placed
    coalesce(placed.orders, 0) as orders,
    coalesce(placed.buyers, 0) as buyers,
    placed.units,
    coalesce(placed.orders_in_other_currency, 0) as orders_in_other_currency,
    coalesce(placed.orders_of_unknown_value, 0) as orders_of_unknown_value,
    shops.currency,
    earned.revenue_minor,
    case
        when coalesce(placed.orders_in_currency, 0) = 0 then 0 else placed.refund_of_days_orders_minor
    end as refund_of_days_orders_minor,
    case
        when coalesce(placed.orders_in_currency, 0) = 0 then 0 else placed.net_revenue_of_days_orders_minor
    end as net_revenue_of_days_orders_minor,

    -- money given back by the day it was given back
    coalesce(taken_back.refunds, 0) as refunds,
    coalesce(taken_back.cancellations, 0) as cancellations,
    case when taken_back.kpi_date is null then 0 else taken_back.refund_minor end as refund_minor,
    case
        when
            coalesce(placed.orders_in_currency, 0) > 0
            and placed.revenue_minor is null
            and taken_back.refund_minor is null
        then null
        else coalesce(placed.revenue_minor, 0) - coalesce(taken_back.refund_minor, 0)
    end as net_revenue_minor,

    -- rates
    {{ metric("session_conversion_rate", "traffic") }} as session_conversion_rate,
    {{ metric("visitor_conversion_rate", "traffic") }} as visitor_conversion_rate,
    {{ metric("bounce_rate", "traffic") }} as bounce_rate,
    {{ metric("average_order_value_minor", "placed") }} as average_order_value_minor,
    {{ metric("revenue_per_visitor_minor", "earned") }} as revenue_per_visitor_minor,
    {{ metric("bot_event_share", "traffic") }} as bot_event_share
from earned
inner join shops on shops.shop_id = earned.shop_id
left join traffic on traffic.shop_id = earned.shop_id and traffic.event_date = earned.kpi_date
left join placed on placed.shop_id = earned.shop_id and placed.kpi_date = earned.kpi_date
left join taken_back on taken_back.shop_id = earned.shop_id and taken_back.kpi_date = earned.kpi_date

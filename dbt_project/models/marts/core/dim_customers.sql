{{ config(tags=["whole"], meta={"refresh_class": "from daily", "key": ["shop_id", "customer_id"]}) }}

with
    users as (
        select *, country is not null or region is not null or city is not null as has_place
        from {{ ref("stg_users") }}
    ),

    days as (select * from {{ ref("int_customer_days") }}),

    orders as (select * from {{ ref("fct_orders") }} where customer_id is not null),

    shops as (select * from {{ ref("stg_shops") }}),

    activity as (
        select
            shop_id,
            customer_id,
            min(first_event_ts) as first_event_ts,
            max(last_event_ts) as last_event_ts,
            min(event_date) as first_seen_date,
            max(event_date) as last_seen_date,
            count(distinct event_date) as active_days,
            count(distinct visitor_id) as devices
        from days
        group by shop_id, customer_id
    ),

    -- one place, of one day: a country of here and a city of there would be no place
    places as (
        select
            shop_id,
            customer_id,
            country,
            region,
            city,
            row_number() over (
                partition by shop_id, customer_id order by event_date desc, last_event_ts desc, visitor_id
            ) as place
        from days
        where country is not null or region is not null or city is not null
    ),

    purchases as (
        select
            orders.shop_id,
            orders.customer_id,
            min(case when has_purchase then order_date end) as first_order_date,
            max(case when has_purchase then order_date end) as last_order_date,
            count(case when has_purchase then 1 end) as orders,
            count(case when status in ('cancelled', 'refunded') then 1 end) as orders_taken_back,
            cast(
                sum(case when orders.currency = shops.currency then revenue_minor end) as bigint
            ) as revenue_minor,
            cast(
                sum(case when orders.currency = shops.currency then refund_minor end) as bigint
            ) as refund_minor,
            cast(
                sum(case when orders.currency = shops.currency then net_revenue_minor end) as bigint
            ) as net_revenue_minor
        from orders
        inner join shops on shops.shop_id = orders.shop_id
        group by orders.shop_id, orders.customer_id
    ),

    everyone as (
        select shop_id, customer_id
        from users
        union
        select shop_id, customer_id
        from activity
        union
        select shop_id, customer_id
        from purchases
    )

select
    everyone.shop_id,
    everyone.customer_id,
    users.customer_id is not null as is_registered,
    users.registered_at,
    users.gender,
    users.birth_year,
    case when users.has_place then users.country else places.country end as country,
    case when users.has_place then users.region else places.region end as region,
    case when users.has_place then users.city else places.city end as city,
    users.acquisition_channel,
    activity.first_event_ts,
    activity.last_event_ts,
    activity.first_seen_date,
    activity.last_seen_date,
    coalesce(activity.active_days, 0) as active_days,
    coalesce(activity.devices, 0) as devices,
    purchases.first_order_date,
    purchases.last_order_date,
    coalesce(purchases.orders, 0) as orders,
    coalesce(purchases.orders_taken_back, 0) as orders_taken_back,
    shops.currency,
    purchases.revenue_minor,
    purchases.refund_minor,
    purchases.net_revenue_minor
from everyone
inner join shops on shops.shop_id = everyone.shop_id
left join users on users.shop_id = everyone.shop_id and users.customer_id = everyone.customer_id
left join activity on activity.shop_id = everyone.shop_id and activity.customer_id = everyone.customer_id
left join
    places
    on places.shop_id = everyone.shop_id
    and places.customer_id = everyone.customer_id
    and places.place = 1
left join purchases on purchases.shop_id = everyone.shop_id and purchases.customer_id = everyone.customer_id

{#
  The days on which a person came, and those on which they ordered with what it brought in: who is who is
  read from `dim_identities`, so that a merge that is undone moves their past too.
#}
{{ config(materialized="ephemeral") }}

with
    shops as (select * from {{ ref("stg_shops") }}),

    identities as (select * from {{ ref("dim_identities") }} where is_merged)

select distinct
    days.shop_id,
    {{ person_key("days", "identities") }} as person_id,
    'visit' as kind,
    days.event_date as day,
    cast(0 as bigint) as orders,
    cast(0 as bigint) as orders_in_currency,
    cast(null as bigint) as net_revenue_minor
from {{ ref("agg_user_daily") }} as days
left join identities on identities.shop_id = days.shop_id and identities.anonymous_id = days.visitor_id
where not days.is_bot

union all

select
    orders.shop_id,
    {{ person_key("orders", "identities") }} as person_id,
    'order' as kind,
    orders.order_date as day,
    count(*) as orders,
    count(case when orders.currency = shops.currency then 1 end) as orders_in_currency,
    cast(
        sum(case when orders.currency = shops.currency then orders.net_revenue_minor end) as bigint
    ) as net_revenue_minor
from {{ ref("fct_orders") }} as orders
inner join shops on shops.shop_id = orders.shop_id
left join identities on identities.shop_id = orders.shop_id and identities.anonymous_id = orders.visitor_id
where
    orders.has_purchase
    and orders.status <> 'cancelled'
    and {{ person_key("orders", "identities") }} is not null
group by orders.shop_id, {{ person_key("orders", "identities") }}, orders.order_date

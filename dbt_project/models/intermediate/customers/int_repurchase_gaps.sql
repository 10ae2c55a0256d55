{#
  How many days usually pass between two order days of a customer, by shop: the median over all pairs of
  successive order days (orders that stand). With fewer than 20 pairs it is `repurchase_gap_days`.
#}
{{ config(materialized="ephemeral") }}

with
    order_days as (
        select distinct shop_id, customer_id, order_date
        from {{ ref("fct_orders") }}
        where customer_id is not null and has_purchase and status not in ('cancelled', 'refunded')
    ),

    pairs as (
        select
            shop_id,
            order_date,
            lag(order_date) over (partition by shop_id, customer_id order by order_date) as previous_date
        from order_days
    ),

    gaps as (
        select shop_id, {{ days_between("previous_date", "order_date") }} as gap_days
        from pairs
        where previous_date is not null
    ),

    ranked as (
        select
            shop_id,
            gap_days,
            row_number() over (partition by shop_id order by gap_days) as place,
            count(*) over (partition by shop_id) as gaps
        from gaps
    )

select
    shops.shop_id,
    cast(
        coalesce(
            max(
                case
                    when ranked.gaps >= 20 and ranked.place = {{ whole_division("(ranked.gaps + 1)", "2") }}
                    then ranked.gap_days
                end
            ),
            {{ var("repurchase_gap_days") }}
        ) as bigint
    ) as gap_days
from {{ ref("stg_shops") }} as shops
left join ranked on ranked.shop_id = shops.shop_id
group by shops.shop_id

{{
    config(
        materialized="incremental",
        incremental_strategy="replace_written_days",
        tags=["whole"],
        meta={"refresh_class": "written days", "days_of": ["fct_attribution"], "partition_column": "order_date", "key": ["shop_id", "order_date", "attribution_model", "channel_group", "traffic_source", "traffic_medium", "utm_campaign"]},
    )
}}

with
    shops as (select * from {{ ref("stg_shops") }}),

    credits as (
        select
            credits.*,
            shops.currency as shop_currency,
            credits.currency is distinct from shops.currency as is_other_currency
        from {{ ref("fct_attribution") }} as credits
        inner join shops on shops.shop_id = credits.shop_id
        where {{ in_written_days("credits.order_date") }}
    )

select
    shop_id,
    order_date,
    attribution_model,
    channel_group,
    traffic_source,
    traffic_medium,
    utm_campaign,
    count(*) as touches,
    cast(sum(credit) as decimal(18, 6)) as orders,
    cast(
        sum(case when is_other_currency then credit else 0 end) as decimal(18, 6)
    ) as orders_in_other_currency,
    cast(
        sum(case when credit_minor is null then credit else 0 end) as decimal(18, 6)
    ) as orders_of_unknown_value,
    shop_currency as currency,
    -- nothing was earned where there is no order in the currency; where none states its worth, who knows
    cast(
        case
            when count(case when not is_other_currency then 1 end) = 0
            then 0
            else sum(case when not is_other_currency then credit_minor end)
        end as bigint
    ) as net_revenue_minor
from credits
group by
    shop_id,
    order_date,
    attribution_model,
    channel_group,
    traffic_source,
    traffic_medium,
    utm_campaign,
    shop_currency

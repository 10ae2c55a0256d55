with versions as ({{ active_rows("campaign_costs") }}), shops as (select * from {{ ref("stg_shops") }})

select
    versions.shop_id,
    cast(versions.cost_date as date) as cost_date,
    versions.utm_source,
    versions.utm_medium,
    versions.utm_campaign,
    cast(versions.updated_at as timestamp) as updated_at,
    cast(versions.cost as bigint) as cost_minor,
    coalesce(versions.currency, shops.currency) as currency,
    cast(versions.clicks as bigint) as clicks,
    cast(versions.impressions as bigint) as impressions,
    versions.source,
    versions.content_hash
from
    (
        select
            *, {{ latest_version(["cost_date", "utm_source", "utm_medium", "utm_campaign"]) }} as version_rank
        from versions
    ) as versions
inner join shops on shops.shop_id = versions.shop_id
where versions.version_rank = 1

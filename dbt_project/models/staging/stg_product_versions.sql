with
    versions as ({{ active_rows("products") }}),

    shops as (select * from {{ ref("stg_shops") }}),

    dated as (
        select
            versions.*,
            {{ local_date("cast(versions.updated_at as timestamp)", "shops.timezone") }} as valid_from,
            shops.currency as shop_currency
        from versions
        inner join shops on shops.shop_id = versions.shop_id
    ),

    -- the version a day ends with stands for the day
    ranked as (
        select
            *,
            row_number() over (
                partition by shop_id, item_id, valid_from order by updated_at desc, content_hash desc
            ) as version_rank
        from dated
    )

select
    shop_id,
    item_id,
    valid_from,
    item_name,
    item_variant,
    item_category,
    item_brand,
    cast(price as bigint) as price_minor,
    cast(cost as bigint) as cost_minor,
    coalesce(currency, shop_currency) as currency,
    cast(is_active as boolean) as is_active
from ranked
where version_rank = 1

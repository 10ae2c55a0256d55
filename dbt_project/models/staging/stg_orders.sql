with
    versions as ({{ active_rows("orders") }}),

    shops as (select * from {{ ref("stg_shops") }}),

    ranked as (select *, {{ latest_version(["order_id"]) }} as version_rank from versions)

select
    ranked.shop_id,
    ranked.order_id,
    ranked.customer_id,
    ranked.device_id,
    cast(ranked.ordered_at as timestamp) as ordered_at,
    {{ local_date("cast(ranked.ordered_at as timestamp)", "shops.timezone") }} as order_date,
    ranked.status,
    case
        when ranked.status = 'cancelled' or ranked.cancelled_at is not null
        then cast(coalesce(ranked.cancelled_at, ranked.updated_at) as timestamp)
    end as cancelled_at,
    cast(ranked.value as bigint) as value_minor,
    cast(ranked.discount as bigint) as discount_minor,
    cast(ranked.tax as bigint) as tax_minor,
    cast(ranked.shipping as bigint) as shipping_minor,
    coalesce(ranked.currency, shops.currency) as currency,
    ranked.coupon,
    ranked.payment_method,
    ranked.channel,
    ranked.utm_campaign,
    ranked.country,
    ranked.region,
    ranked.city,
    ranked.source
from ranked
inner join shops on shops.shop_id = ranked.shop_id
where ranked.version_rank = 1

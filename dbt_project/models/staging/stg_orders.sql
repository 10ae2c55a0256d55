with versions as ({{ active_rows("orders") }}), shops as (select * from {{ ref("stg_shops") }})

select
    versions.shop_id,
    versions.order_id,
    cast(versions.updated_at as timestamp) as updated_at,
    versions.customer_id,
    versions.device_id,
    cast(versions.ordered_at as timestamp) as ordered_at,
    {{ local_date("cast(versions.ordered_at as timestamp)", "shops.timezone") }} as order_date,
    versions.status,
    cast(versions.cancelled_at as timestamp) as cancelled_at,
    cast(versions.value as bigint) as value_minor,
    cast(versions.discount as bigint) as discount_minor,
    cast(versions.tax as bigint) as tax_minor,
    cast(versions.shipping as bigint) as shipping_minor,
    coalesce(versions.currency, shops.currency) as currency,
    versions.coupon,
    versions.payment_method,
    versions.channel,
    versions.utm_campaign,
    versions.country,
    versions.region,
    versions.city,
    versions.source,
    versions.content_hash
from versions
inner join shops on shops.shop_id = versions.shop_id

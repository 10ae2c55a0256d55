with versions as ({{ active_rows("refunds") }}), shops as (select * from {{ ref("stg_shops") }})

select
    versions.shop_id,
    versions.refund_id,
    cast(versions.updated_at as timestamp) as updated_at,
    versions.order_id,
    cast(versions.line_number as bigint) as line_number,
    cast(versions.refunded_at as timestamp) as refunded_at,
    {{ local_date("cast(versions.refunded_at as timestamp)", "shops.timezone") }} as refund_date,
    cast(versions.quantity as bigint) as quantity,
    cast(versions.value as bigint) as value_minor,
    coalesce(versions.currency, shops.currency) as currency,
    versions.reason,
    versions.source,
    versions.content_hash
from versions
inner join shops on shops.shop_id = versions.shop_id

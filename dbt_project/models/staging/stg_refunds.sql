with
    versions as ({{ active_rows("refunds") }}),

    shops as (select * from {{ ref("stg_shops") }}),

    ranked as (select *, {{ latest_version(["refund_id"]) }} as version_rank from versions)

select
    ranked.shop_id,
    ranked.refund_id,
    ranked.order_id,
    cast(ranked.line_number as bigint) as line_number,
    cast(ranked.refunded_at as timestamp) as refunded_at,
    {{ local_date("cast(ranked.refunded_at as timestamp)", "shops.timezone") }} as refund_date,
    cast(ranked.quantity as bigint) as quantity,
    cast(ranked.value as bigint) as value_minor,
    coalesce(ranked.currency, shops.currency) as currency,
    ranked.reason,
    ranked.source
from ranked
inner join shops on shops.shop_id = ranked.shop_id
where ranked.version_rank = 1

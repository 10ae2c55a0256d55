with
    versions as ({{ active_rows("order_items") }}),

    ranked as (select *, {{ latest_version(["order_id", "line_number"]) }} as version_rank from versions)

select
    shop_id,
    order_id,
    cast(line_number as bigint) as line_number,
    item_id,
    item_name,
    item_variant,
    item_category,
    item_brand,
    cast(price as bigint) as price_minor,
    cast(quantity as bigint) as quantity,
    cast(discount as bigint) as discount_minor,
    source
from ranked
where version_rank = 1

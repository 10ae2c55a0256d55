with versions as ({{ active_rows("order_items") }})

select
    shop_id,
    order_id,
    cast(line_number as bigint) as line_number,
    cast(updated_at as timestamp) as updated_at,
    item_id,
    item_name,
    item_variant,
    item_category,
    item_brand,
    cast(price as bigint) as price_minor,
    cast(quantity as bigint) as quantity,
    cast(discount as bigint) as discount_minor,
    currency,
    source,
    content_hash
from versions

select shop_id, timezone, currency, orders_from from {{ source("lake", "shops") }}

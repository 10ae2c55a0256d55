{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "user_id", "rank"]}) }}

with listed as ({{ user_lists(ref("stg_ml_buy_again"), "buy_again") }})

select
    shop_id,
    user_id,
    customer_id,
    place as rank,
    item_id,
    listed_name as item_name,
    listed_category as item_category,
    purchase_probability,
    horizon_days,
    orders,
    last_bought,
    reason,
    reason_zh,
    model,
    model_version,
    as_of,
    is_stale,
    stale_reason
from listed

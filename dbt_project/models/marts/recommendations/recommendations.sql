{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "user_id", "rank"]}) }}

with listed as ({{ user_lists(ref("stg_ml_recommendations"), "recommendations") }})

select
    shop_id,
    user_id,
    customer_id,
    place as rank,
    item_id,
    listed_name as item_name,
    listed_category as item_category,
    score,
    reason,
    reason_zh,
    because_item_id,
    evidence,
    model,
    model_version,
    as_of,
    updated_for,
    is_stale,
    stale_reason
from listed

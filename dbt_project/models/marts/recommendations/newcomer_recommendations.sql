{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "scope", "scope_value", "rank"]}) }}

with
    scores as (select * from {{ ref("stg_ml_newcomer_recommendations") }}),

    served as ({{ served_scores("scores", "recommendations", of_customers=false) }}),

    listed as ({{ lists_on_sale("served", ["scope", "scope_value"]) }})

select
    shop_id,
    scope,
    scope_value,
    -- what follows the item that a session had last comes first, and is in session_next_items
    case scope when 'category' then 2 when 'region' then 3 when 'country' then 4 else 5 end as fallback_order,
    place as rank,
    item_id,
    listed_name as item_name,
    listed_category as item_category,
    score,
    reason,
    reason_zh,
    model,
    model_version,
    as_of,
    is_stale,
    stale_reason
from listed

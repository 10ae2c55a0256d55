{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "scope", "scope_value", "rank"]}) }}

with
    scores as (select * from {{ ref("stg_ml_newcomer_recommendations") }}),

    served as ({{ served_scores("scores", "recommendations", of_customers=false) }}),

    listed as ({{ lists_on_sale("served", ["scope", "scope_value"]) }})

select
    shop_id,
    scope,
    scope_value,
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

{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "customer_id"]}) }}

with
    scores as (select * from {{ ref("stg_ml_churn_scores") }}),

    served as ({{ served_scores("scores", "churn") }})

select
    shop_id,
    customer_id,
    as_of,
    horizon_days,
    churn_probability,
    risk_band,
    reason_1,
    reason_2,
    reason_3,
    reason_1_zh,
    reason_2_zh,
    reason_3_zh,
    action,
    action_zh,
    model,
    model_version,
    is_stale,
    stale_reason
from served

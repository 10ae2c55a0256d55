{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "customer_id", "horizon_days"]}) }}

with
    scores as (select * from {{ ref("stg_ml_purchase_propensity") }}),

    served as ({{ served_scores("scores", "purchase_propensity") }})

select
    shop_id,
    customer_id,
    as_of,
    horizon_days,
    purchase_probability,
    reason_1,
    reason_2,
    reason_3,
    reason_1_zh,
    reason_2_zh,
    reason_3_zh,
    model,
    model_version,
    is_stale,
    stale_reason
from served

{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "customer_id"]}) }}

with
    scores as (select * from {{ ref("stg_ml_customer_value") }}),

    served as ({{ served_scores("scores", "customer_value") }})

select
    shop_id,
    customer_id,
    as_of,
    horizon_days,
    expected_orders,
    expected_value_minor,
    value_low_minor,
    value_high_minor,
    currency,
    model,
    model_version,
    is_stale,
    stale_reason
from served

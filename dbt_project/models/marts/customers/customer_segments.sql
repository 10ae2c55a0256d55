{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "customer_id"]}) }}

with
    scores as (select * from {{ ref("stg_ml_customer_segments") }}),

    served as ({{ served_scores("scores", "segments") }})

select
    shop_id,
    customer_id,
    as_of,
    segment_id,
    segment_name,
    segment_name_zh,
    distance_to_center,
    is_outlier,
    pca_x,
    pca_y,
    model_version,
    is_stale,
    stale_reason
from served

{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "kind", "item_id", "rank"]}) }}

with
    scores as (select * from {{ ref("stg_ml_item_similarities") }}),

    served as ({{ served_scores("scores", "recommendations", of_customers=false) }}),

    listed as ({{ lists_on_sale("served", ["kind", "item_id"], "similar_item_id") }}),

    products as ({{ products_now() }})

select
    listed.shop_id,
    listed.kind,
    listed.item_id,
    products.item_name,
    listed.place as rank,
    listed.similar_item_id,
    listed.listed_name as similar_item_name,
    listed.listed_category as similar_item_category,
    listed.score,
    listed.users,
    listed.model_version,
    listed.as_of,
    listed.is_stale,
    listed.stale_reason
from listed
left join products on products.shop_id = listed.shop_id and products.item_id = listed.item_id

{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "item_id", "rank"]}) }}

with
    -- that people come back to the product they are looking at is no suggestion
    scores as (select * from {{ ref("stg_ml_session_next_items") }} where next_item_id <> item_id),

    served as ({{ served_scores("scores", "session_next_items", of_customers=false) }}),

    listed as ({{ lists_on_sale("served", ["item_id"], "next_item_id") }}),

    products as ({{ products_now() }})

select
    listed.shop_id,
    listed.item_id,
    products.item_name,
    listed.place as rank,
    listed.next_item_id,
    listed.listed_name as next_item_name,
    listed.listed_category as next_item_category,
    listed.score,
    listed.sessions,
    listed.model,
    listed.model_version,
    listed.as_of,
    listed.is_stale,
    listed.stale_reason
from listed
left join products on products.shop_id = listed.shop_id and products.item_id = listed.item_id

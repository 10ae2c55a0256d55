{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "item_id", "rank"]}) }}

with
    scores as (select * from {{ ref("stg_ml_cross_sell") }}),

    served as ({{ served_scores("scores", "association_rules", of_customers=false) }}),

    listed as ({{ lists_on_sale("served", ["item_id"], "partner_item_id") }}),

    products as ({{ products_now() }})

select
    listed.shop_id,
    listed.item_id,
    products.item_name,
    listed.place as rank,
    listed.partner_item_id,
    listed.listed_name as partner_item_name,
    listed.listed_category as partner_item_category,
    listed.baskets_both,
    listed.baskets_item,
    listed.baskets_partner,
    listed.baskets,
    listed.support,
    listed.confidence,
    listed.lift,
    listed.lift_low,
    listed.lift_high,
    listed.leverage,
    listed.p_value,
    listed.model_version,
    listed.as_of,
    listed.is_stale,
    listed.stale_reason
from listed
left join products on products.shop_id = listed.shop_id and products.item_id = listed.item_id

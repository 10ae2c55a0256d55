{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "rule_id"]}) }}

with
    rules as (select * from {{ ref("stg_ml_association_rules") }}),

    served as ({{ served_scores("rules", "association_rules", of_customers=false) }}),

    products as ({{ products_now() }}),

    parts as (select shop_id, rule_id, {{ rows_of_list("antecedent") }} as item_id from rules),

    named as (
        select
            parts.shop_id,
            parts.rule_id,
            {{ values_in_order("coalesce(products.item_name, parts.item_id)", "parts.item_id") }}
            as antecedent_names,
            bool_and(coalesce(products.is_on_sale, true)) as is_on_sale
        from parts
        left join products on products.shop_id = parts.shop_id and products.item_id = parts.item_id
        group by parts.shop_id, parts.rule_id
    )

select
    served.shop_id,
    served.rule_id,
    served.antecedent,
    named.antecedent_names,
    served.antecedent_size,
    served.consequent_item_id,
    products.item_name as consequent_name,
    named.is_on_sale and coalesce(products.is_on_sale, true) as is_on_sale,
    served.baskets_both,
    served.baskets_antecedent,
    served.baskets_consequent,
    served.baskets,
    served.support,
    served.confidence,
    served.lift,
    served.leverage,
    served.p_value,
    served.model_version,
    served.as_of,
    served.is_stale,
    served.stale_reason
from served
left join named on named.shop_id = served.shop_id and named.rule_id = served.rule_id
left join products on products.shop_id = served.shop_id and products.item_id = served.consequent_item_id

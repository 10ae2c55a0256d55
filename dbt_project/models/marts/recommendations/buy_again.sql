{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "user_id", "rank"]}) }}

with
    -- features name a customer by a prefix, so that no device can be taken for one
    scores as (
        select
            *,
            case
                when user_id like 'customer:%' then substr(user_id, length('customer:') + 1)
            end as customer_id
        from {{ ref("stg_ml_buy_again") }}
    ),

    served as ({{ served_scores("scores", "buy_again", of_customers=false) }}),

    -- yesterday's lists may name customers that are gone; visitors are in no dimension
    to_known as (
        select served.*
        from served
        left join
            {{ ref("dim_customers") }} as customers
            on customers.shop_id = served.shop_id
            and customers.customer_id = served.customer_id
        where served.customer_id is null or customers.customer_id is not null
    ),

    listed as ({{ lists_on_sale("to_known", ["user_id"]) }})

select
    shop_id,
    user_id,
    customer_id,
    place as rank,
    item_id,
    listed_name as item_name,
    listed_category as item_category,
    purchase_probability,
    horizon_days,
    orders,
    last_bought,
    reason,
    reason_zh,
    model,
    model_version,
    as_of,
    is_stale,
    stale_reason
from listed

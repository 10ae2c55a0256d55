{{ config(tags=["whole"], meta={"refresh_class": "from daily", "key": ["shop_id", "item_id", "valid_from"]}) }}

{%- set attributes = ["item_name", "item_category", "item_brand", "price_minor"] -%}

with
    catalogue as (select * from {{ ref("stg_product_versions") }}),

    -- a product that the shop's own table knows takes its history from there alone
    catalogued as (select distinct shop_id, item_id from catalogue),

    seen as (
        select days.*
        from {{ ref("int_product_days") }} as days
        left join catalogued on catalogued.shop_id = days.shop_id and catalogued.item_id = days.item_id
        where catalogued.item_id is null
    ),

    -- a day that is silent on an attribute does not change it
    carried as (
        select
            shop_id,
            item_id,
            event_date as valid_from,
            {% for attribute in attributes %}
                last_value({{ attribute }} ignore nulls) over (
                    partition by shop_id, item_id
                    order by event_date
                    rows between unbounded preceding and current row
                ) as {{ attribute }},
            {% endfor %}
            currency
        from seen
    ),

    observed as (
        select
            shop_id,
            item_id,
            valid_from,
            {{ attributes | join(", ") }},
            cost_minor,
            currency,
            is_active,
            'catalogue' as attribute_source
        from catalogue

        union all

        select
            shop_id,
            item_id,
            valid_from,
            {{ attributes | join(", ") }},
            cast(null as bigint) as cost_minor,
            currency,
            cast(null as boolean) as is_active,
            'events' as attribute_source
        from carried
    ),

    fingerprinted as (
        select *, {{ hash_key(attributes + ["cost_minor", "currency", "is_active"]) }} as fingerprint
        from observed
    ),

    changes as (
        select
            *,
            lag(fingerprint) over (partition by shop_id, item_id order by valid_from) as previous_fingerprint
        from fingerprinted
    ),

    versions as (
        select * from changes where previous_fingerprint is null or fingerprint <> previous_fingerprint
    )

select
    shop_id,
    item_id,
    valid_from,
    lead(valid_from) over (partition by shop_id, item_id order by valid_from) as valid_to,
    lead(valid_from) over (partition by shop_id, item_id order by valid_from) is null as is_current,
    row_number() over (partition by shop_id, item_id order by valid_from) as version_number,
    item_name,
    item_category,
    item_brand,
    price_minor,
    cost_minor,
    currency,
    is_active,
    attribute_source
from versions

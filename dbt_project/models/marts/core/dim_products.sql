{{ config(tags=["whole"], meta={"refresh_class": "from daily", "key": ["shop_id", "item_id", "valid_from"]}) }}

{%- set attributes = ["item_name", "item_category", "item_brand", "price_minor"] -%}

with
    catalogue as (select * from {{ ref("stg_product_versions") }}),

    -- a product that the shop's own table knows takes its history from there alone
    catalogued as (select distinct shop_id, item_id from catalogue),

    by_events as (
        select shop_id, item_id, event_date, item_name, item_category, item_brand, price_minor, currency
        from {{ ref("int_product_days") }}
    ),

    known_by_events as (select distinct shop_id, item_id from by_events),

    -- products that only order lines name
    by_lines as (
        select
            lines.shop_id,
            lines.item_id,
            lines.line_date as event_date,
            min(lines.item_name) as item_name,
            min(lines.item_category) as item_category,
            min(lines.item_brand) as item_brand,
            min(lines.price_minor) as price_minor,
            min(lines.currency) as currency
        from {{ ref("fct_order_items") }} as lines
        left join
            known_by_events
            on known_by_events.shop_id = lines.shop_id
            and known_by_events.item_id = lines.item_id
        where lines.item_id is not null and known_by_events.item_id is null
        group by lines.shop_id, lines.item_id, lines.line_date
    ),

    days as (
        select *
        from by_events
        union all
        select *
        from by_lines
    ),

    seen as (
        select days.*
        from days
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

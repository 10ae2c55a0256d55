{{
    config(
        materialized="incremental",
        incremental_strategy="replace_written_days",
        meta={"refresh_class": "written days", "partition_column": "order_date", "days_of": ["fct_orders", "fct_order_items", "int_product_mentions", "int_product_disputes", "int_catalogue_versions"], "publish_by": "order_date", "key": ["shop_id", "order_date", "dimension", "dimension_value"]},
    )
}}

{#- dimension -> what names its values; each order has one value of each, so that each adds up to `all` -#}
{%- set dimensions = {
    "all": "'all'",
    "hour": "lpad(cast(extract(hour from local_ts) as varchar), 2, '0')",
    "country": "country",
    "region": region_in_country("country", "region"),
    "campaign": "utm_campaign",
    "channel": "channel",
    "payment_method": "payment_method",
} -%}

with
    shops as (select * from {{ ref("stg_shops") }}),

    placed as (
        select
            orders.shop_id,
            orders.order_date,
            orders.order_id,
            orders.customer_id,
            {{ local_time("orders.ordered_at", "shops.timezone") }} as local_ts,
            orders.country,
            orders.region,
            orders.utm_campaign,
            orders.channel,
            orders.payment_method,
            orders.status,
            orders.units,
            {{ order_money("orders", "shops") }}
        from {{ ref("fct_orders") }} as orders
        inner join shops on shops.shop_id = orders.shop_id
        where orders.has_purchase and {{ in_written_days("orders.order_date") }}
    ),

    {% for dimension, value in dimensions.items() %}
        by_{{ dimension }} as (
            select
                shop_id,
                order_date,
                '{{ dimension }}' as dimension,
                coalesce({{ value }}, '(not set)') as dimension_value,
                count(distinct customer_id) as customers,
                {{ order_sums() }}
            from placed
            group by shop_id, order_date, coalesce({{ value }}, '(not set)')
        ),
    {% endfor %}

    {{ product_ctes() }}

    -- refund lines lie on later days: found by their orders
    lines as (
        select
            lines.shop_id,
            placed.order_date,
            lines.order_id,
            placed.customer_id,
            placed.status,
            coalesce(lines.item_id, '(not set)') as product,
            {{ attribute_of_the_day("lines", "item_category") }} as category,
            lines.line_type,
            lines.quantity,
            lines.currency = shops.currency as is_own_currency,
            lines.price_minor * lines.quantity as gross_minor,
            lines.discount_minor,
            lines.line_amount_minor
        from {{ ref("fct_order_items") }} as lines
        inner join placed on placed.shop_id = lines.shop_id and placed.order_id = lines.order_id
        inner join
            shops on shops.shop_id = lines.shop_id {{ join_product_of_the_day("lines", "placed.order_date") }}
        where lines.line_type = 'refund' or {{ in_written_days("lines.line_date") }}
    ),

    -- What was taken back of a line: all of it where the whole order was, else what refunds name.
    valued as (
        select
            *,
            case
                when is_own_currency and line_type = 'purchase' and line_amount_minor is not null
                then gross_minor
            end as line_gross_minor,
            case
                when is_own_currency and line_type = 'purchase' and line_amount_minor is not null
                then discount_minor
            end as line_discount_minor,
            case
                when is_own_currency and line_type = 'purchase' then line_amount_minor
            end as line_revenue_minor,
            case
                when not is_own_currency
                then null
                when status in ('cancelled', 'refunded')
                then case when line_type = 'purchase' then line_amount_minor end
                when line_type = 'refund'
                then - line_amount_minor
            end as line_refund_minor
        from lines
    ),

    {% for dimension in ["product", "category"] %}
        by_{{ dimension }} as (
            select
                shop_id,
                order_date,
                '{{ dimension }}' as dimension,
                {{ dimension }} as dimension_value,
                count(distinct customer_id) as customers,
                count(distinct case when line_type = 'purchase' then order_id end) as orders,
                count(
                    distinct case when line_type = 'purchase' and line_amount_minor is null then order_id end
                ) as orders_of_unknown_value,
                count(
                    distinct case when line_type = 'purchase' and not is_own_currency then order_id end
                ) as orders_in_other_currency,
                count(case when line_type = 'purchase' and is_own_currency then 1 end) as own_orders,
                cast(sum(case when line_type = 'purchase' then quantity end) as bigint) as units,
                cast(sum(line_gross_minor) as bigint) as gross_minor,
                cast(sum(line_discount_minor) as bigint) as discount_minor,
                cast(sum(line_revenue_minor) as bigint) as revenue_minor,
                cast(coalesce(sum(line_refund_minor), 0) as bigint) as refund_minor,
                cast(
                    sum(line_revenue_minor) - coalesce(sum(line_refund_minor), 0) as bigint
                ) as net_revenue_minor
            from valued
            group by shop_id, order_date, {{ dimension }}
        ),
    {% endfor %}

    unioned as (
        {% for dimension in dimensions.keys() | list + ["product", "category"] %}
            select
                shop_id,
                order_date,
                dimension,
                dimension_value,
                customers,
                orders,
                orders_of_unknown_value,
                orders_in_other_currency,
                own_orders,
                units,
                {{ money_columns() | join(", ") }}
            from by_{{ dimension }} {{ "union all" if not loop.last }}
        {% endfor %}
    )

select
    unioned.shop_id,
    unioned.order_date,
    unioned.dimension,
    unioned.dimension_value,
    unioned.customers,
    {{ order_figures("unioned") }},
    shops.currency
from unioned
inner join shops on shops.shop_id = unioned.shop_id

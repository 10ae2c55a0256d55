{#
  The three categories and brands that each customer prefers: bought on most different days (orders that
  stand), then looked at most in the last `profile_days` days, then by name. Distinct purchase days
  foretell the next purchase better than money spent or the shop's best sellers.
#}
{{ config(tags=["whole"], meta={"refresh_class": "from daily"}) }}

{%- set days = var("profile_days") -%}

with
    as_of as ({{ as_of() }}),

    bots as (select shop_id, event_date, visitor_id from {{ ref("agg_user_daily") }} where is_bot),

    identities as (
        select shop_id, anonymous_id, customer_id from {{ ref("dim_identities") }} where is_merged
    ),

    browsed as (
        select
            days.shop_id,
            coalesce(days.customer_id, identities.customer_id) as customer_id,
            days.item_category,
            days.item_brand,
            sum(days.views) as views,
            sum(days.cart_adds) as cart_adds
        from {{ ref("int_visitor_category_days") }} as days
        inner join
            as_of
            on as_of.shop_id = days.shop_id
            and days.event_date <= as_of.as_of
            and days.event_date > {{ add_days("as_of.as_of", -days) }}
        left join
            bots
            on bots.shop_id = days.shop_id
            and bots.event_date = days.event_date
            and bots.visitor_id = days.visitor_id
        left join
            identities on identities.shop_id = days.shop_id and identities.anonymous_id = days.visitor_id
        where bots.visitor_id is null and coalesce(days.customer_id, identities.customer_id) is not null
        group by
            days.shop_id,
            coalesce(days.customer_id, identities.customer_id),
            days.item_category,
            days.item_brand
    ),

    bought as (
        select lines.shop_id, lines.customer_id, lines.line_date, lines.item_category, lines.item_brand
        from {{ ref("fct_order_items") }} as lines
        inner join
            {{ ref("fct_orders") }} as orders
            on orders.shop_id = lines.shop_id
            and orders.order_id = lines.order_id
        where
            lines.line_type = 'purchase'
            and lines.customer_id is not null
            and orders.status not in ('cancelled', 'refunded')
    ),

    evidence as (
        {% for kind in ["category", "brand"] %}
            select
                shop_id,
                customer_id,
                '{{ kind }}' as kind,
                item_{{ kind }} as name,
                count(distinct line_date) as purchase_days,
                0 as views,
                0 as cart_adds
            from bought
            where item_{{ kind }} is not null
            group by shop_id, customer_id, item_{{ kind }}

            union all

            select
                shop_id,
                customer_id,
                '{{ kind }}' as kind,
                item_{{ kind }} as name,
                0 as purchase_days,
                sum(views) as views,
                sum(cart_adds) as cart_adds
            from browsed
            where item_{{ kind }} is not null
            group by shop_id, customer_id, item_{{ kind }} {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    summed as (
        select
            shop_id,
            customer_id,
            kind,
            name,
            cast(sum(purchase_days) as bigint) as purchase_days,
            cast(sum(views) as bigint) as views,
            cast(sum(cart_adds) as bigint) as cart_adds
        from evidence
        group by shop_id, customer_id, kind, name
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by shop_id, customer_id, kind
                order by purchase_days desc, views desc, cart_adds desc, name
            ) as place
        from summed
    )

select shop_id, customer_id, kind, place, name, purchase_days, views, cart_adds
from ranked
where place <= 3

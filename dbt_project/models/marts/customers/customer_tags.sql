{{ config(tags=["whole"], meta={"refresh_class": "from daily", "key": ["shop_id", "customer_id", "tag_code"]}) }}

{#
  code, when it applies, what it is about ({value} in the seed's wording), the evidence in words and as the one
  number that decided.
#}
{%- set tags = [
    ("tier", "tier is not null", "tier", "segment_zh || ' / ' || segment", "recency_days"),
    (
        "lifecycle",
        "true",
        "lifecycle_stage",
        "coalesce('last order ' || recency_days || ' days ago, usual gap ' || shop_repurchase_gap_days || ' days', 'no standing order')",
        "recency_days",
    ),
    (
        "prefers_category",
        "preferred_category_1_purchase_days >= 2",
        "preferred_category_1",
        "'bought on ' || preferred_category_1_purchase_days || ' days, ' || preferred_category_1_views || ' views'",
        "preferred_category_1_purchase_days",
    ),
    (
        "browses_category",
        "preferred_category_1_purchase_days < 2 and preferred_category_1_views >= 5",
        "preferred_category_1",
        "preferred_category_1_views || ' views, bought on ' || preferred_category_1_purchase_days || ' days'",
        "preferred_category_1_views",
    ),
    (
        "prefers_brand",
        "preferred_brand_1_purchase_days >= 2",
        "preferred_brand_1",
        "'bought on ' || preferred_brand_1_purchase_days || ' days, ' || preferred_brand_1_views || ' views'",
        "preferred_brand_1_purchase_days",
    ),
    (
        "price_economy",
        "price_band = 'economy' and priced_lines >= 2",
        "price_band",
        "'median of ' || priced_lines || ' prices at ' || price_position || ' of like goods'",
        "price_position",
    ),
    (
        "price_premium",
        "price_band = 'premium' and priced_lines >= 2",
        "price_band",
        "'median of ' || priced_lines || ' prices at ' || price_position || ' of like goods'",
        "price_position",
    ),
    (
        "discount_seeker",
        "discount_affinity = 'high'",
        "discount_affinity",
        "discounted_orders || ' of ' || orders || ' orders discounted, shop ' || shop_discounted_order_share",
        "discounted_order_share",
    ),
    (
        "pays_full_price",
        "discount_affinity = 'none'",
        "discount_affinity",
        "discounted_orders || ' of ' || orders || ' orders discounted, shop ' || shop_discounted_order_share",
        "discounted_order_share",
    ),
    (
        "daypart_night",
        "sessions >= 3 and active_daypart = 'night' and active_daypart_share >= 0.5",
        "active_daypart",
        "active_daypart_share || ' of ' || sessions || ' sessions'",
        "active_daypart_share",
    ),
    (
        "daypart_morning",
        "sessions >= 3 and active_daypart = 'morning' and active_daypart_share >= 0.5",
        "active_daypart",
        "active_daypart_share || ' of ' || sessions || ' sessions'",
        "active_daypart_share",
    ),
    (
        "daypart_afternoon",
        "sessions >= 3 and active_daypart = 'afternoon' and active_daypart_share >= 0.5",
        "active_daypart",
        "active_daypart_share || ' of ' || sessions || ' sessions'",
        "active_daypart_share",
    ),
    (
        "daypart_evening",
        "sessions >= 3 and active_daypart = 'evening' and active_daypart_share >= 0.5",
        "active_daypart",
        "active_daypart_share || ' of ' || sessions || ' sessions'",
        "active_daypart_share",
    ),
    (
        "weekend",
        "sessions >= 4 and weekend_sessions * 2 >= sessions",
        "'weekend'",
        "weekend_sessions || ' of ' || sessions || ' sessions'",
        "weekend_session_share",
    ),
    (
        "device",
        "sessions >= 2 and device is not null",
        "device",
        "device_share || ' of ' || sessions || ' sessions'",
        "device_share",
    ),
    (
        "payment",
        "payment_method_orders >= 2 and payment_method_orders * 2 > orders",
        "payment_method",
        "payment_method_orders || ' of ' || orders || ' orders'",
        "payment_method_orders",
    ),
    (
        "cart_without_order",
        "cart_adds >= 2 and (recency_days is null or recency_days >= " ~ var("profile_days") ~ ")",
        "'cart'",
        "cart_adds || ' cart adds, no standing order since'",
        "cart_adds",
    ),
    (
        "returns_often",
        "orders_taken_back >= 2 and orders_taken_back * 10 >= orders * 3",
        "'returns'",
        "orders_taken_back || ' of ' || orders || ' orders taken back'",
        "orders_taken_back",
    ),
    (
        "repeat_buyer",
        "standing_orders >= 2",
        "'repeat'",
        "standing_orders || ' standing orders'",
        "standing_orders",
    ),
] -%}

with
    profiles as (select * from {{ ref("customer_profile") }}),

    tagged as (
        {% for code, applies, value, evidence, number in tags %}
            select
                shop_id,
                customer_id,
                '{{ code }}' as tag_code,
                {{ value }} as tag_value,
                {% if code == "tier" %} tier_zh
                {% elif code == "lifecycle" %} lifecycle_stage_zh
                {% else %} {{ value }}
                {% endif %} as tag_value_zh,
                {{ evidence }} as evidence,
                cast({{ number }} as decimal(18, 6)) as evidence_number
            from profiles
            where {{ applies }} {{ "union all" if not loop.last }}
        {% endfor %}
    )

select
    tagged.shop_id,
    tagged.customer_id,
    tagged.tag_code,
    tagged.tag_value,
    replace(names.tag_zh, '{value}', tagged.tag_value_zh) as tag_zh,
    replace(names.tag_en, '{value}', tagged.tag_value) as tag_en,
    tagged.evidence,
    tagged.evidence_number
from tagged
inner join {{ ref("customer_tag_names") }} as names on names.tag_code = tagged.tag_code

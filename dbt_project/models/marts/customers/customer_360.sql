{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "customer_id"]}) }}

{#- what names a capability in the reason -> why its scores are stale -#}
{%- set reasons = {
    "segments": "segments.stale_reason",
    "churn": "churn.stale_reason",
    "purchase_propensity": "coalesce(within_30.stale_reason, within_7.stale_reason)",
    "customer_value": "worth.stale_reason",
} -%}

with
    customers as (select * from {{ ref("dim_customers") }}),

    profiles as (select * from {{ ref("customer_profile") }}),

    rfm as (select * from {{ ref("customer_rfm") }}),

    segments as (select * from {{ ref("customer_segments") }}),

    churn as (select * from {{ ref("churn_scores") }}),

    within_7 as (select * from {{ ref("purchase_propensity") }} where horizon_days = 7),

    within_30 as (select * from {{ ref("purchase_propensity") }} where horizon_days = 30),

    worth as (select * from {{ ref("customer_value") }})

select
    customers.shop_id,
    customers.customer_id,
    profiles.as_of,

    -- who it is
    customers.is_registered,
    customers.registered_at,
    customers.gender,
    customers.birth_year,
    customers.country,
    customers.region,
    customers.city,
    customers.acquisition_channel,
    customers.first_seen_date,
    customers.last_seen_date,
    customers.active_days,
    customers.devices,

    -- what was bought
    customers.first_order_date,
    customers.last_order_date,
    customers.orders,
    customers.orders_taken_back,
    customers.currency,
    customers.revenue_minor,
    customers.refund_minor,
    customers.net_revenue_minor,

    -- where the customer stands
    profiles.tier,
    profiles.tier_zh,
    profiles.lifecycle_stage,
    profiles.lifecycle_stage_zh,
    profiles.recency_days,
    profiles.standing_orders,
    profiles.shop_repurchase_gap_days,
    rfm.r_score,
    rfm.f_score,
    rfm.m_score,
    rfm.value_group,
    rfm.value_group_zh,
    rfm.segment,
    rfm.segment_zh,

    -- habits
    profiles.preferred_category_1,
    profiles.preferred_category_2,
    profiles.preferred_category_3,
    profiles.preferred_brand_1,
    profiles.preferred_brand_2,
    profiles.preferred_brand_3,
    profiles.price_band,
    profiles.discount_affinity,
    profiles.payment_method,
    profiles.sessions,
    profiles.cart_adds,
    profiles.active_daypart,
    profiles.device,

    -- behavioural segment
    segments.segment_id,
    segments.segment_name,
    segments.segment_name_zh,
    segments.is_outlier,

    -- about to leave
    churn.as_of as churn_as_of,
    churn.horizon_days as churn_horizon_days,
    churn.churn_probability,
    churn.risk_band,
    churn.reason_1 as churn_reason_1,
    churn.reason_2 as churn_reason_2,
    churn.reason_3 as churn_reason_3,
    churn.reason_1_zh as churn_reason_1_zh,
    churn.reason_2_zh as churn_reason_2_zh,
    churn.reason_3_zh as churn_reason_3_zh,
    churn.action,
    churn.action_zh,

    -- about to buy
    within_7.purchase_probability as purchase_probability_7d,
    within_30.purchase_probability as purchase_probability_30d,
    within_30.reason_1 as purchase_reason_1,
    within_30.reason_2 as purchase_reason_2,
    within_30.reason_3 as purchase_reason_3,
    within_30.reason_1_zh as purchase_reason_1_zh,
    within_30.reason_2_zh as purchase_reason_2_zh,
    within_30.reason_3_zh as purchase_reason_3_zh,

    -- worth
    worth.horizon_days as value_horizon_days,
    worth.expected_orders,
    worth.expected_value_minor,
    worth.value_low_minor,
    worth.value_high_minor,

    -- how far the scores may be trusted
    coalesce({{ reasons.values() | join(", ") }}) is not null as has_stale_scores,
    nullif(
        concat_ws(
            '; '
            {% for capability, reason in reasons.items() %}, '{{ capability }}: ' || {{ reason }} {% endfor %}
        ),
        ''
    ) as stale_reason
from customers
{% for relation in ["profiles", "rfm", "segments", "churn", "within_7", "within_30", "worth"] %}
    left join
        {{ relation }}
        on {{ relation }}.shop_id = customers.shop_id
        and {{ relation }}.customer_id = customers.customer_id
{% endfor %}

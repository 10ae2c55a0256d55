{{ config(tags=["whole"], meta={"refresh_class": "from daily", "key": ["shop_id", "customer_id"]}) }}

with
    as_of as ({{ as_of() }}),

    customers as (select * from {{ ref("dim_customers") }}),

    preferences as (
        select
            shop_id,
            customer_id
            {% for kind in ["category", "brand"] %}
                {% for place in [1, 2, 3] %}
                    {% for column in ["name", "purchase_days", "views"] %}
                        ,
                        max(
                            case when kind = '{{ kind }}' and place = {{ place }} then {{ column }} end
                        ) as {{ kind }}_{{ place }}_{{ column }}
                    {% endfor %}
                {% endfor %}
            {% endfor %}
        from {{ ref("int_customer_preferences") }}
        group by shop_id, customer_id
    ),

    visits as (
        select
            shop_id,
            customer_id,
            cast(sum(sessions) as bigint) as sessions,
            cast(sum(cart_adds) as bigint) as cart_adds,
            cast(sum(case when is_weekend then sessions else 0 end) as bigint) as weekend_sessions
        from {{ ref("int_customer_sessions") }}
        group by shop_id, customer_id
    ),

    {% for habit in ["daypart", "device"] %}
        {{ habit }}s as (
            select
                shop_id,
                customer_id,
                {{ habit }},
                cast(sum(sessions) as bigint) as sessions,
                row_number() over (
                    partition by shop_id, customer_id order by sum(sessions) desc, {{ habit }}
                ) as place
            from {{ ref("int_customer_sessions") }}
            where {{ habit }} is not null
            group by shop_id, customer_id, {{ habit }}
        ),
    {% endfor %}

    standing as (
        select
            customers.shop_id,
            customers.customer_id,
            coalesce(rfm.frequency, 0) as standing_orders,
            rfm.recency_days,
            rfm.r_score,
            {{ frequency_and_money_score("rfm.f_score", "rfm.m_score") }} as fm_score,
            rfm.value_group,
            rfm.value_group_zh,
            rfm.segment,
            rfm.segment_zh,
            gaps.gap_days
        from customers
        inner join {{ ref("int_repurchase_gaps") }} as gaps on gaps.shop_id = customers.shop_id
        left join
            {{ ref("customer_rfm") }} as rfm
            on rfm.shop_id = customers.shop_id
            and rfm.customer_id = customers.customer_id
    ),

    -- the first row of the seed that fits
    staged as (
        select
            standing.shop_id,
            standing.customer_id,
            stages.stage,
            stages.stage_zh,
            row_number() over (
                partition by standing.shop_id, standing.customer_id order by stages.priority
            ) as place
        from standing
        inner join
            {{ ref("lifecycle_stages") }} as stages
            on standing.standing_orders <= stages.max_orders
            and coalesce(standing.recency_days, 0) * 100 <= stages.up_to_gap_percent * standing.gap_days
    ),

    tiered as (
        select
            standing.shop_id,
            standing.customer_id,
            tiers.tier,
            tiers.tier_zh,
            row_number() over (
                partition by standing.shop_id, standing.customer_id order by tiers.priority
            ) as place
        from standing
        inner join
            {{ ref("customer_tiers") }} as tiers
            on standing.r_score between tiers.min_r_score and tiers.max_r_score
            and standing.fm_score between tiers.min_fm_score and tiers.max_fm_score
    )

select
    customers.shop_id,
    customers.customer_id,
    as_of.as_of,

    -- where the customer stands
    tiered.tier,
    tiered.tier_zh,
    staged.stage as lifecycle_stage,
    staged.stage_zh as lifecycle_stage_zh,
    standing.recency_days,
    standing.gap_days as shop_repurchase_gap_days,
    standing.standing_orders,
    standing.value_group,
    standing.value_group_zh,
    standing.segment,
    standing.segment_zh,
    coalesce(buying.orders, 0) as orders,
    coalesce(buying.orders_taken_back, 0) as orders_taken_back,
    customers.net_revenue_minor,
    customers.currency,

    -- what they like
    {% for kind in ["category", "brand"] %}
        {% for place in [1, 2, 3] %}
            preferences.{{ kind }}_{{ place }}_name as preferred_{{ kind }}_{{ place }},
            preferences.{{ kind }}_{{ place }}_purchase_days
            as preferred_{{ kind }}_{{ place }}_purchase_days,
            preferences.{{ kind }}_{{ place }}_views as preferred_{{ kind }}_{{ place }}_views,
        {% endfor %}
    {% endfor %}

    -- what they pay
    case
        when prices.price_permille * 3 < 1000
        then 'economy'
        when prices.price_permille * 3 < 2000
        then 'middle'
        when prices.price_permille is not null
        then 'premium'
    end as price_band,
    {{ ratio("prices.price_permille", "1000", 3) }} as price_position,
    prices.median_unit_price_minor,
    coalesce(prices.priced_lines, 0) as priced_lines,
    coalesce(buying.discounted_orders, 0) as discounted_orders,
    {{ metric("discounted_order_share", "buying") }} as discounted_order_share,
    {{ ratio("buying.shop_discounted_orders", "buying.shop_orders") }} as shop_discounted_order_share,
    buying.discount_affinity,
    buying.payment_method,
    coalesce(buying.payment_method_orders, 0) as payment_method_orders,
    coalesce(buying.payment_methods, 0) as payment_methods,

    -- when, where and on what they come
    coalesce(visits.sessions, 0) as sessions,
    coalesce(visits.cart_adds, 0) as cart_adds,
    dayparts.daypart as active_daypart,
    {{ ratio("dayparts.sessions", "visits.sessions") }} as active_daypart_share,
    coalesce(visits.weekend_sessions, 0) as weekend_sessions,
    {{ metric("weekend_session_share", "visits") }} as weekend_session_share,
    devices.device,
    {{ ratio("devices.sessions", "visits.sessions") }} as device_share,
    customers.country,
    customers.region,
    customers.city
from customers
inner join as_of on as_of.shop_id = customers.shop_id
inner join standing on standing.shop_id = customers.shop_id and standing.customer_id = customers.customer_id
left join
    staged
    on staged.shop_id = customers.shop_id
    and staged.customer_id = customers.customer_id
    and staged.place = 1
left join
    tiered
    on tiered.shop_id = customers.shop_id
    and tiered.customer_id = customers.customer_id
    and tiered.place = 1
left join
    preferences on preferences.shop_id = customers.shop_id and preferences.customer_id = customers.customer_id
left join
    {{ ref("int_customer_prices") }} as prices
    on prices.shop_id = customers.shop_id
    and prices.customer_id = customers.customer_id
left join
    {{ ref("int_customer_buying") }} as buying
    on buying.shop_id = customers.shop_id
    and buying.customer_id = customers.customer_id
left join visits on visits.shop_id = customers.shop_id and visits.customer_id = customers.customer_id
{% for habit in ["daypart", "device"] %}
    left join
        {{ habit }}s
        on {{ habit }}s.shop_id = customers.shop_id
        and {{ habit }}s.customer_id = customers.customer_id
        and {{ habit }}s.place = 1
{% endfor %}

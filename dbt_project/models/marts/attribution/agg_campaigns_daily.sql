{{ config(tags=["whole"], meta={"refresh_class": "from daily", "key": ["shop_id", "campaign_date", "traffic_source", "traffic_medium", "utm_campaign"]}) }}

{%- set key = ["shop_id", "campaign_date", "traffic_source", "traffic_medium", "campaign_key"] -%}
{#- who writes the marks and who keeps the costs do not agree on letters and blanks -#}
{%- set campaign_key = "coalesce(" ~ plain_words("utm_campaign") ~ ", '')" -%}

with
    shops as (select * from {{ ref("stg_shops") }}),

    -- sources and media are written here as sessions write them
    costs as (
        select
            costs.shop_id,
            costs.cost_date as campaign_date,
            lower(costs.utm_source) as traffic_source,
            lower(costs.utm_medium) as traffic_medium,
            {{ campaign_key }} as campaign_key,
            count(case when costs.currency <> shops.currency then 1 end) as costs_in_other_currency,
            count(case when costs.cost_minor is null then 1 end) as costs_of_unknown_amount,
            cast(
                sum(case when costs.currency = shops.currency then costs.cost_minor end) as bigint
            ) as cost_minor,
            cast(sum(costs.clicks) as bigint) as clicks,
            -- clicks of which it is known what they cost
            cast(
                sum(
                    case
                        when costs.currency = shops.currency and costs.cost_minor is not null
                        then costs.clicks
                    end
                ) as bigint
            ) as clicks_of_known_cost,
            cast(sum(costs.impressions) as bigint) as impressions
        from {{ ref("stg_campaign_costs") }} as costs
        inner join shops on shops.shop_id = costs.shop_id
        group by
            costs.shop_id,
            costs.cost_date,
            lower(costs.utm_source),
            lower(costs.utm_medium),
            {{ campaign_key }}
    ),

    visits as (
        select
            shop_id,
            session_date as campaign_date,
            traffic_source,
            traffic_medium,
            {{ campaign_key }} as campaign_key,
            cast(sum(sessions) as bigint) as sessions,
            cast(sum(bounces) as bigint) as bounces,
            cast(sum(sessions_with_purchase) as bigint) as sessions_with_purchase
        from {{ ref("int_campaign_sessions") }}
        group by shop_id, session_date, traffic_source, traffic_medium, {{ campaign_key }}
    ),

    credits as (
        select
            shop_id,
            order_date as campaign_date,
            traffic_source,
            traffic_medium,
            {{ campaign_key }} as campaign_key,
            {% for model in attribution_models() %}
                cast(
                    sum(case when attribution_model = '{{ model }}' then orders else 0 end) as decimal(18, 6)
                ) as orders_{{ model }},
                -- null where the model credits orders and none of them states its worth
                case
                    when count(case when attribution_model = '{{ model }}' then 1 end) = 0
                    then 0
                    else
                        cast(
                            sum(
                                case when attribution_model = '{{ model }}' then net_revenue_minor end
                            ) as bigint
                        )
                end as net_revenue_{{ model }}_minor {{ "," if not loop.last }}
            {% endfor %}
        from {{ ref("agg_attribution_daily") }}
        where utm_campaign is not null
        group by shop_id, order_date, traffic_source, traffic_medium, {{ campaign_key }}
    ),

    -- a campaign is shown as somebody writes it, on all days alike
    spellings as (
        select shop_id, {{ campaign_key }} as campaign_key, max(trim(utm_campaign)) as utm_campaign
        from
            (
                {% for part in ["stg_campaign_costs", "int_campaign_sessions", "agg_attribution_daily"] %}
                    select distinct shop_id, utm_campaign
                    from {{ ref(part) }}
                    where utm_campaign is not null {{ "union all" if not loop.last }}
                {% endfor %}
            ) as written
        group by shop_id, {{ campaign_key }}
    ),

    days as (
        {% for part in ["costs", "visits", "credits"] %}
            select {{ key | join(", ") }} from {{ part }} {{ "union" if not loop.last }}
        {% endfor %}
    ),

    joined as (
        select
            days.shop_id,
            days.campaign_date,
            days.traffic_source,
            days.traffic_medium,
            spellings.utm_campaign,
            shops.currency,
            costs.cost_minor,
            costs.clicks,
            costs.clicks_of_known_cost,
            costs.impressions,
            coalesce(costs.costs_in_other_currency, 0) as costs_in_other_currency,
            coalesce(costs.costs_of_unknown_amount, 0) as costs_of_unknown_amount,
            coalesce(visits.sessions, 0) as sessions,
            coalesce(visits.bounces, 0) as bounces,
            coalesce(visits.sessions_with_purchase, 0) as sessions_with_purchase,
            {% for model in attribution_models() %}
                coalesce(credits.orders_{{ model }}, 0) as orders_{{ model }},
                case
                    when credits.shop_id is null then 0 else credits.net_revenue_{{ model }}_minor
                end as net_revenue_{{ model }}_minor {{ "," if not loop.last }}
            {% endfor %}
        from days
        inner join shops on shops.shop_id = days.shop_id
        inner join
            spellings on spellings.shop_id = days.shop_id and spellings.campaign_key = days.campaign_key
        {% for part in ["costs", "visits", "credits"] %}
            left join
                {{ part }}
                on {% for column in key %}
                    {{ part }}.{{ column }} = days.{{ column }} {{ "and" if not loop.last }}
                {% endfor %}
        {% endfor %}
    )

select
    shop_id,
    campaign_date,
    traffic_source,
    traffic_medium,
    utm_campaign,
    currency,

    -- what it cost
    cost_minor,
    clicks,
    clicks_of_known_cost,
    impressions,
    costs_in_other_currency,
    costs_of_unknown_amount,

    -- who came
    sessions,
    bounces,
    sessions_with_purchase,
    {{ metric("session_conversion_rate") }} as session_conversion_rate,
    {{ metric("click_through_rate") }} as click_through_rate,
    {{ metric("cost_per_click_minor") }} as cost_per_click_minor,

    -- what it earned, by model
    {% for model in attribution_models() %}
        orders_{{ model }},
        net_revenue_{{ model }}_minor,
        {{ metric("roas_" ~ model) }} as roas_{{ model }},
        {{ metric("cost_per_order_" ~ model ~ "_minor") }} as cost_per_order_{{ model }}_minor
        {{- "," if not loop.last }}
    {% endfor %}
from joined

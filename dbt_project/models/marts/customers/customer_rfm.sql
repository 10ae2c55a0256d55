{{ config(tags=["whole"], meta={"refresh_class": "from daily", "key": ["shop_id", "customer_id"]}) }}

with
    orders as (
        select orders.*, shops.currency as shop_currency
        from {{ ref("fct_orders") }} as orders
        inner join {{ ref("stg_shops") }} as shops on shops.shop_id = orders.shop_id
    ),

    newest_arrivals as (
        select shop_id, max(arrival_date) as arrival_date
        from {{ ref("audit_arrival_days") }}
        group by shop_id
    ),

    -- the last day the shop's data speak of; a row that is dated in the future does not move it
    as_of as (
        select kpis.shop_id, least(max(kpis.kpi_date), max(newest_arrivals.arrival_date)) as as_of
        from {{ ref("agg_kpis_daily") }} as kpis
        inner join newest_arrivals on newest_arrivals.shop_id = kpis.shop_id
        group by kpis.shop_id
    ),

    customers as (
        select
            orders.shop_id,
            orders.customer_id,
            max(case when is_standing then order_date end) as last_order_date,
            count(case when is_standing then 1 end) as frequency,
            cast(
                sum(case when orders.currency = orders.shop_currency then net_revenue_minor end) as bigint
            ) as monetary_minor,
            min(orders.shop_currency) as currency
        from
            (
                select *, has_purchase and status not in ('cancelled', 'refunded') as is_standing from orders
            ) as orders
        where orders.customer_id is not null
        group by orders.shop_id, orders.customer_id
    ),

    measured as (
        select
            customers.shop_id,
            customers.customer_id,
            as_of.as_of,
            customers.last_order_date,
            cast(
                greatest({{ days_between("customers.last_order_date", "as_of.as_of") }}, 0) as bigint
            ) as recency_days,
            customers.frequency,
            customers.monetary_minor,
            customers.currency
        from customers
        inner join as_of on as_of.shop_id = customers.shop_id
        where customers.frequency > 0
    ),

    -- Quintiles by value: the share of customers strictly better (recency) or strictly below (frequency,
    -- money) decides, so equal values score equal, the most recent score 5 and one-time buyers score 1.
    scored as (
        select
            *,
            {{ quintile_from_best("recency_days") }} as r_score,
            {{ quintile("frequency") }} as f_score,
            case when monetary_minor is not null then {{ quintile("monetary_minor") }} end as m_score
        from measured
    ),

    compared as (
        select
            *,
            -- above the shop's mean score, in whole numbers: score x n > sum of scores
            r_score * count(r_score) over (partition by shop_id)
            > sum(r_score) over (partition by shop_id) as r_high,
            f_score * count(f_score) over (partition by shop_id)
            > sum(f_score) over (partition by shop_id) as f_high,
            m_score * count(m_score) over (partition by shop_id)
            > sum(m_score) over (partition by shop_id) as m_high,
            -- a shop without prices is segmented by frequency alone
            cast(round((f_score + coalesce(m_score, f_score)) / 2.0, 0) as bigint) as fm_score
        from scored
    )

select
    compared.shop_id,
    compared.customer_id,
    compared.as_of,
    compared.last_order_date,
    compared.recency_days,
    compared.frequency,
    compared.monetary_minor,
    compared.currency,
    compared.r_score,
    compared.f_score,
    compared.m_score,
    value_groups.value_group_zh,
    value_groups.value_group,
    segments.segment,
    segments.segment_zh
from compared
left join
    {{ ref("rfm_value_groups") }} as value_groups
    on value_groups.r_high = compared.r_high
    and value_groups.f_high = compared.f_high
    and value_groups.m_high = compared.m_high
left join
    {{ ref("rfm_segments") }} as segments
    on segments.r_score = compared.r_score
    and segments.fm_score = compared.fm_score

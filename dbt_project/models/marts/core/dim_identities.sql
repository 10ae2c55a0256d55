{{ config(tags=["whole"], meta={"refresh_class": "from daily", "key": ["shop_id", "anonymous_id", "customer_id"]}) }}

with
    -- what the logs show: a customer known on a device
    seen as (
        select
            shop_id,
            visitor_id as anonymous_id,
            customer_id,
            min(first_event_ts) as first_seen_ts,
            max(last_event_ts) as last_seen_ts,
            min(event_date) as first_seen_date,
            count(*) as days,
            cast(sum(events) as bigint) as events,
            cast(sum(logins) as bigint) as logins,
            cast(sum(purchases) as bigint) as purchases
        from {{ ref("int_customer_days") }}
        where is_device
        group by shop_id, visitor_id, customer_id
    ),

    decisions as (select * from {{ ref("stg_identity_overrides") }}),

    pairs as (
        select
            coalesce(seen.shop_id, decisions.shop_id) as shop_id,
            coalesce(seen.anonymous_id, decisions.anonymous_id) as anonymous_id,
            coalesce(seen.customer_id, decisions.customer_id) as customer_id,
            seen.first_seen_ts,
            seen.last_seen_ts,
            seen.first_seen_date,
            coalesce(seen.days, 0) as days,
            coalesce(seen.events, 0) as events,
            coalesce(seen.logins, 0) as logins,
            coalesce(seen.purchases, 0) as purchases,
            decisions.action,
            decisions.decided_by,
            decisions.reason as decision_reason
        from seen
        full join
            decisions
            on decisions.shop_id = seen.shop_id
            and decisions.anonymous_id = seen.anonymous_id
            and decisions.customer_id = seen.customer_id
    ),

    -- a customer taken away by a person no longer counts among the device's customers
    devices as (
        select
            shop_id,
            anonymous_id,
            count(case when action is distinct from 'separate' then 1 end) as customers,
            count(case when action = 'join' then 1 end) as joins
        from pairs
        group by shop_id, anonymous_id
    ),

    ranked as (
        select
            pairs.*,
            devices.customers,
            devices.joins,
            row_number() over (
                partition by pairs.shop_id, pairs.anonymous_id
                order by
                    case when pairs.action = 'separate' then 1 else 0 end,
                    pairs.days desc,
                    pairs.events desc,
                    pairs.first_seen_ts,
                    pairs.customer_id
            ) as place
        from pairs
        inner join devices on devices.shop_id = pairs.shop_id and devices.anonymous_id = pairs.anonymous_id
    ),

    ruled as (
        select
            *,
            case
                when action = 'separate'
                then 'separated'
                when joins > 1
                then 'contradicting_joins'
                when action = 'join'
                then 'joined'
                when joins = 1
                then 'joined_to_another'
                when customers = 1
                then 'only_customer'
                when customers > {{ max_customers_per_device() }}
                then 'shared_device'
                when place = 1
                then 'main_customer'
                else 'other_customer'
            end as rule
        from ranked
    )

select
    shop_id,
    anonymous_id,
    customer_id,
    rule in ('joined', 'only_customer', 'main_customer') as is_merged,
    rule,
    customers as customers_on_device,
    rule = 'shared_device' as is_shared_device,
    first_seen_ts,
    last_seen_ts,
    first_seen_date,
    days as evidence_days,
    events as evidence_events,
    logins as evidence_logins,
    purchases as evidence_purchases,
    decided_by,
    decision_reason
from ruled

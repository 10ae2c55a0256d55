{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "session_date", "reach": "sessions", "publish_by": "session_date", "key": ["shop_id", "session_id"]},
    )
}}

{%- set bots = var("bots") -%}

with
    sessions as (select * from {{ ref("int_sessions") }}),

    -- a session with campaign marks, or else one that another site sent, has a source
    sourced as (
        select
            *,
            case
                when utm_source is not null or utm_medium is not null
                then coalesce(lower(utm_source), '(not set)')
                when is_referred
                then referrer_host
                when lower(channel) <> 'direct'
                then '(not set)'
                else '(direct)'
            end as traffic_source,
            case
                when utm_source is not null or utm_medium is not null
                then coalesce(lower(utm_medium), '(not set)')
                when is_referred
                then 'referral'
                when lower(channel) <> 'direct'
                then '(not set)'
                else '(none)'
            end as traffic_medium
        from
            (
                select
                    *,
                    {{ url_host("referrer") }} as referrer_host,
                    {{ url_host("referrer") }} is not null
                    and {{ url_host("referrer") }}
                    <> coalesce({{ url_host("landing_page") }}, '') as is_referred
                from sessions
            ) as sessions
    ),

    origins as (
        select distinct coalesce(lower(channel), '') as channel, traffic_source, traffic_medium from sourced
    ),

    -- the first rule of the seed that fits
    grouped as (
        select channel, traffic_source, traffic_medium, channel_group
        from
            (
                select
                    origins.*,
                    rules.channel_group,
                    row_number() over (
                        partition by origins.channel, origins.traffic_source, origins.traffic_medium
                        order by rules.priority
                    ) as place
                from origins
                inner join
                    {{ ref("channel_groups") }} as rules
                    on origins.channel like rules.channel
                    and origins.traffic_source like rules.source
                    and origins.traffic_medium like rules.medium
            ) as ranked
        where place = 1
    ),

    rushed as (
        select
            *,
            events >= {{ bots.session_events }}
            and events * 60000 >= duration_ms * {{ bots.events_per_minute }} as is_fast,
            duration_ms >= {{ bots.session_minutes }} * 60000 as is_at_cap
        from sourced
    ),

    -- one such session speaks for all that its visitor began on the day
    caught as (
        select shop_id, session_date, visitor_id, bool_or(is_fast) as is_fast, bool_or(is_at_cap) as is_at_cap
        from rushed
        where is_fast or is_at_cap
        group by shop_id, session_date, visitor_id
    ),

    visitor_days as (
        select shop_id, event_date, visitor_id, is_program, is_round_the_clock, is_in_swarm
        from {{ ref("int_visitor_days") }}
        where {{ in_window("event_date", "sessions") }} and (is_program or is_round_the_clock or is_in_swarm)
    ),

    judged as (
        select
            sessions.*,
            grouped.channel_group,
            {{
                bot_reason(
                    {
                        "user_agent": "visitor_days.is_program",
                        "event_rate": "caught.is_fast",
                        "session_cap": "caught.is_at_cap",
                        "round_the_clock": "visitor_days.is_round_the_clock",
                        "one_hit_swarm": "visitor_days.is_in_swarm",
                    }
                )
            }} as bot_reason
        from sourced as sessions
        left join
            grouped
            on grouped.channel = coalesce(lower(sessions.channel), '')
            and grouped.traffic_source = sessions.traffic_source
            and grouped.traffic_medium = sessions.traffic_medium
        left join
            caught
            on caught.shop_id = sessions.shop_id
            and caught.session_date = sessions.session_date
            and caught.visitor_id = sessions.visitor_id
        left join
            visitor_days
            on visitor_days.shop_id = sessions.shop_id
            and visitor_days.event_date = sessions.session_date
            and visitor_days.visitor_id = sessions.visitor_id
    )

select
    shop_id,
    session_id,
    session_date,
    session_start_ts,
    session_end_ts,
    duration_ms,
    visitor_id,
    device_id,
    customer_id,

    -- what happened
    events,
    page_views,
    product_views,
    searches,
    wishlist_adds,
    cart_adds,
    checkouts,
    orders,
    is_bounce,
    bot_reason is not null as is_bot,
    bot_reason,

    -- where it came from
    landing_page,
    exit_page,
    referrer,
    channel,
    utm_source,
    utm_medium,
    utm_campaign,
    traffic_source,
    traffic_medium,
    channel_group,
    device,
    country,
    region,
    city
from judged

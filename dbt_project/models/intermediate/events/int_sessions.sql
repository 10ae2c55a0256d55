{#
  Sessions measured: part of `fct_sessions`, which adds where they came from and whether they are bots.
#}
{{ config(materialized="ephemeral") }}

{%- set names = ["page_url", "referrer", "channel", "utm_source", "utm_medium", "device", "country", "region", "city"] -%}

with
    days as (select * from {{ ref("int_session_days") }} where {{ in_window("session_date", "sessions") }}),

    counted as (
        select
            shop_id,
            session_date,
            visitor_id,
            session_start_ts,
            max(last_event_ts) as session_end_ts,
            {% for count in ["events", "page_views", "product_views", "searches", "wishlist_adds", "cart_adds"] %}
                cast(sum({{ count }}) as bigint) as {{ count }},
            {% endfor %}
            cast(sum(checkouts) as bigint) as checkouts
        from days
        group by shop_id, session_date, visitor_id, session_start_ts
    ),

    -- Events that say more than that they happened: of a visitor without device the visitor tells the
    -- customer. An event with several items counts once.
    telling as (
        select *
        from {{ ref("int_events") }}
        where
            is_event_head
            and visitor_id is not null
            and (
                device_id is not null
                or event_name = 'purchase'
                or {% for name in names %} {{ name }} is not null {{ "or" if not loop.last }} {% endfor %}
            )
            and {{ in_event_window("sessions", 0, 2) }}
    ),

    told as (
        select
            days.session_start_ts,
            events.shop_id,
            events.visitor_id,
            events.event_ts,
            events.event_id,
            events.event_name,
            events.order_id,
            events.device_id,
            events.customer_id,
            events.utm_campaign,
            events.{{ names | join(", events.") }}
        from telling as events
        inner join days on {{ in_session_day("events", "days") }}
    ),

    described as (
        select
            shop_id,
            visitor_id,
            session_start_ts,
            min(device_id) as device_id,
            {{ last_value_by_time("customer_id") }} as customer_id,

            -- where it came from, as its first events say
            {{ first_value_by_time("page_url") }} as landing_page,
            {{ last_value_by_time("page_url") }} as exit_page,
            {{ first_page_by_time("referrer") }} as referrer,
            {{ first_origin_by_time("channel") }} as channel,
            {{ first_origin_by_time("utm_source") }} as utm_source,
            {{ first_origin_by_time("utm_medium") }} as utm_medium,
            {{ first_origin_by_time("utm_campaign") }} as utm_campaign,
            {{ first_value_by_time("device") }} as device,
            {{ first_value_by_time("country") }} as country,
            {{ first_value_by_time("region") }} as region,
            {{ first_value_by_time("city") }} as city
        from told
        group by shop_id, visitor_id, session_start_ts
    ),

    bought as (
        select shop_id, visitor_id, session_start_ts, count(distinct order_id) as orders
        from told
        where event_name = 'purchase'
        group by shop_id, visitor_id, session_start_ts
    )

select
    counted.shop_id,
    {{ session_id("counted") }} as session_id,
    counted.session_date,
    counted.session_start_ts,
    counted.session_end_ts,
    cast(
        ({{ epoch_us("counted.session_end_ts") }} - {{ epoch_us("counted.session_start_ts") }})
        / 1000 as bigint
    ) as duration_ms,
    counted.visitor_id,
    described.device_id,
    coalesce(
        described.customer_id,
        case when described.device_id is null then {{ visiting_customer("counted.visitor_id") }} end
    ) as customer_id,

    -- what happened
    counted.events,
    counted.page_views,
    counted.product_views,
    counted.searches,
    counted.wishlist_adds,
    counted.cart_adds,
    counted.checkouts,
    coalesce(bought.orders, 0) as orders,
    counted.events = 1 as is_bounce,

    described.landing_page,
    described.exit_page,
    described.referrer,
    described.channel,
    described.utm_source,
    described.utm_medium,
    described.utm_campaign,
    described.device,
    described.country,
    described.region,
    described.city
from counted
left join
    described
    on described.shop_id = counted.shop_id
    and described.visitor_id = counted.visitor_id
    and described.session_start_ts = counted.session_start_ts
left join
    bought
    on bought.shop_id = counted.shop_id
    and bought.visitor_id = counted.visitor_id
    and bought.session_start_ts = counted.session_start_ts

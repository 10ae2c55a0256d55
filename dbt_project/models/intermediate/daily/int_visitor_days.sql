{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "sessions"},
    )
}}

{%- set bots = var("bots") -%}
{%- set browsing = ["page_view", "view_item_list", "select_item", "view_item", "search", "view_cart"] -%}

{#- written out where it is read: as one CTE read twice it would be held with all of its columns -#}
{%- set events -%}
    {{ ref("int_events") }}
    where is_event_head and visitor_id is not null and {{ in_event_window("sessions") }}
{%- endset -%}

with
    user_agents as (select distinct user_agent from {{ events }} and user_agent is not null),

    program_agents as (
        select user_agent from user_agents where {{ matches("lower(user_agent)", bot_user_agent_pattern()) }}
    ),

    activity as (
        select
            events.shop_id,
            events.event_date,
            events.visitor_id,
            -- a visitor without device is the customer: no need to look for the last one
            coalesce(
                {{ last_value_by_time("case when events.device_id is not null then events.customer_id end") }},
                case
                    when bool_or(events.device_id is null) then {{ visiting_customer("events.visitor_id") }}
                end
            ) as customer_id,
            min(event_ts) as first_event_ts,
            max(event_ts) as last_event_ts,
            count(*) as events,
            {{ count_events(["page_view"]) }} as page_views,
            {{ count_events(["view_item"]) }} as product_views,
            {{ count_events(["search"]) }} as searches,
            {{ count_events(["add_to_wishlist"]) }} as wishlist_adds,
            {{ count_events(["add_to_cart"]) }} as cart_adds,
            {{ count_events(["begin_checkout"]) }} as checkouts,
            min(case when event_name = 'view_item' then event_ts end) as first_view_ts,
            {{ distinct_hours("event_hour") }} as active_hours,
            -- what a shop's own server sends has no page, and may well name a program as its sender
            count(
                case
                    when
                        program_agents.user_agent is not null
                        and page_url is not null
                        and event_name in ('{{ browsing | join("', '") }}')
                    then 1
                end
            ) as program_requests,
            {{ count_events(browsing) }} as browsing_events,
            min(events.user_agent) as user_agent
        from (select * from {{ events }}) as events
        left join program_agents on program_agents.user_agent = events.user_agent
        group by events.shop_id, events.event_date, events.visitor_id
    ),

    bought as (
        select shop_id, event_date, visitor_id, count(distinct order_id) as tracked_orders
        from {{ events }} and event_name = 'purchase'
        group by shop_id, event_date, visitor_id
    ),

    -- many visitors of one and the same browser who all leave after one page
    swarms as (
        select shop_id, event_date, user_agent
        from activity
        where user_agent is not null
        group by shop_id, event_date, user_agent
        having
            count(*) >= {{ bots.swarm_visitors }}
            and count(case when events = 1 and browsing_events = 1 then 1 end) * 100
            >= count(*) * {{ bots.swarm_one_hit_percent }}
    )

select
    activity.shop_id,
    activity.event_date,
    activity.visitor_id,
    activity.customer_id,
    activity.first_event_ts,
    activity.last_event_ts,
    activity.events,
    activity.page_views,
    activity.product_views,
    activity.searches,
    activity.wishlist_adds,
    activity.cart_adds,
    activity.checkouts,
    coalesce(bought.tracked_orders, 0) as tracked_orders,
    activity.first_view_ts,
    activity.active_hours,
    activity.program_requests > 0 as is_program,
    activity.active_hours >= {{ bots.active_hours }} as is_round_the_clock,
    swarms.user_agent is not null
    and activity.events = 1
    and activity.browsing_events = 1
    and activity.customer_id is null as is_in_swarm
from activity
left join
    swarms
    on swarms.shop_id = activity.shop_id
    and swarms.event_date = activity.event_date
    and swarms.user_agent = activity.user_agent
left join
    bought
    on bought.shop_id = activity.shop_id
    and bought.event_date = activity.event_date
    and bought.visitor_id = activity.visitor_id

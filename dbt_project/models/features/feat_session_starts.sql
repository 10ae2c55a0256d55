{#
  Point-in-time: what is known of a session at its n-th event (`vars: intent`), one row for each session of people
  that comes so far. Of the visitor's past only days before the session's own are looked at. `purchased_later` is
  what to learn, and the one column that later events may change.
#}
{{
    config(
        schema="features",
        materialized="incremental",
        incremental_strategy="replace_written_days",
        contract={"enforced": true},
        on_schema_change="fail",
        meta={"refresh_class": "written days", "partition_column": "session_date", "days_of": ["int_session_starts", "agg_user_daily"], "days_after": var("intent").past_days, "key": ["shop_id", "session_id"]},
    )
}}

{%- set past_days = var("intent").past_days -%}

with
    starts as (select * from {{ ref("int_session_starts") }} where {{ in_written_days("session_date") }}),

    visits as (
        select shop_id, event_date, visitor_id, sessions, cart_adds, tracked_orders
        from {{ ref("agg_user_daily") }}
        where {{ in_written_days("event_date", past_days) }}
    ),

    visitors as (select distinct shop_id, visitor_id, session_date from starts),

    past as (
        select
            visitors.shop_id,
            visitors.visitor_id,
            visitors.session_date,
            max(visits.event_date) as last_visit_date,
            cast(sum(visits.sessions) as bigint) as sessions,
            cast(sum(visits.cart_adds) as bigint) as cart_adds,
            cast(sum(visits.tracked_orders) as bigint) as orders
        from visitors
        inner join
            visits
            on visits.shop_id = visitors.shop_id
            and visits.visitor_id = visitors.visitor_id
            and visits.event_date < visitors.session_date
            and visits.event_date >= {{ add_days("visitors.session_date", -past_days) }}
        group by visitors.shop_id, visitors.visitor_id, visitors.session_date
    )

select
    starts.shop_id,
    starts.session_date,
    starts.session_id,
    starts.visitor_id,
    starts.customer_id,
    cast({{ var("intent").at_event }} as bigint) as at_event,
    starts.at_event_ts,

    -- when and how fast
    starts.hour_of_day,
    starts.weekday,
    {{ ratio("starts.elapsed_us", "1000000", 3) }} as seconds_since_start,
    {{ ratio("starts.longest_gap_us", "1000000", 3) }} as longest_gap_seconds,

    -- what the first events were
    starts.events,
    starts.page_views,
    starts.list_views,
    starts.product_views,
    starts.searches,
    starts.wishlist_adds,
    starts.cart_adds,
    starts.cart_removes,
    starts.checkouts,
    starts.purchases,
    starts.other_events,

    -- about which products
    starts.items,
    starts.categories,
    starts.most_viewed,
    starts.max_price_viewed_minor,
    starts.mean_price_viewed_minor,
    starts.cart_value_minor,

    -- who comes from where
    starts.channel_group,
    starts.device,
    starts.country,
    past.last_visit_date is null as is_new,
    cast(
        {{ days_between("past.last_visit_date", "starts.session_date") }} as bigint
    ) as days_since_last_visit,
    coalesce(past.sessions, 0) as past_sessions,
    coalesce(past.cart_adds, 0) as past_cart_adds,
    coalesce(past.orders, 0) as past_orders,

    starts.purchased_later
from starts
left join
    past
    on past.shop_id = starts.shop_id
    and past.visitor_id = starts.visitor_id
    and past.session_date = starts.session_date

{#
  A view: sessions of the last weeks are all that is read of it, and a filter on `event_date` reaches the
  events, so that nothing need be kept twice.
#}
{{ config(schema="features", materialized="view", meta={"refresh_class": "view", "partition_column": "event_date", "reach": "session_events"}) }}

with
    events as (
        select
            shop_id,
            event_date,
            visitor_id,
            event_id,
            item_index,
            event_ts,
            event_name,
            item_id,
            item_name,
            item_category,
            order_id
        from {{ ref("int_events") }}
        where
            event_name in ('view_item', 'add_to_wishlist', 'add_to_cart', 'purchase')
            and item_id is not null
            and visitor_id is not null
    ),

    bots as (select shop_id, event_date, visitor_id from {{ ref("agg_user_daily") }} where is_bot)

select
    events.shop_id,
    events.event_date,
    sessions.session_date,
    {{ session_id("sessions") }} as session_id,
    events.visitor_id,
    events.event_ts,
    events.event_id,
    coalesce(events.item_index, 0) as item_index,
    events.event_name,
    events.item_id,
    events.item_name,
    events.item_category,
    events.order_id
from events
inner join {{ ref("int_session_days") }} as sessions on {{ in_session_day("events", "sessions") }}
left join
    bots
    on bots.shop_id = events.shop_id
    and bots.event_date = events.event_date
    and bots.visitor_id = events.visitor_id
where bots.visitor_id is null

{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "session_date", "reach": "sessions"},
    )
}}

{#
  What a session's first events say, the heavy part of feat_session_starts: nothing that comes after the n-th event
  moves a column, but for the label. Events of the n-th one's very microsecond are known with it. Categories and prices are those that the events themselves name, since what the
  rest of the day says of a product would be later.
#}
{%- set kinds = {
    "page_views": "page_view",
    "list_views": "view_item_list",
    "product_views": "view_item",
    "searches": "search",
    "wishlist_adds": "add_to_wishlist",
    "cart_adds": "add_to_cart",
    "cart_removes": "remove_from_cart",
    "checkouts": "begin_checkout",
    "purchases": "purchase",
} -%}
{%- set session = "shop_id, visitor_id, session_start_ts" -%}

with
    sessions as (
        select reaching.*, shops.currency
        from {{ ref("int_sessions_reaching") }} as reaching
        inner join {{ ref("stg_shops") }} as shops on shops.shop_id = reaching.shop_id
    ),

    -- the first events, a row for each of their items; money of another currency than the shop's is left out
    firsts as (
        select
            events.shop_id,
            events.visitor_id,
            sessions.session_start_ts,
            events.is_event_head,
            events.event_ts,
            events.event_id,
            events.event_name,
            events.device_id,
            events.customer_id,
            events.page_url,
            events.referrer,
            events.channel,
            events.utm_source,
            events.utm_medium,
            events.device,
            events.country,
            events.item_id,
            events.item_category,
            case when events.currency = sessions.currency then events.price_minor end as price_minor,
            coalesce(events.quantity, 1) as quantity,
            case when events.event_ts = sessions.at_event_ts then events.event_hour end as at_event_hour,
            case when events.event_ts = sessions.at_event_ts then events.event_date end as at_event_date
        from {{ ref("int_events") }} as events
        inner join sessions on {{ in_session_day("events", "sessions") }}
        where
            events.event_ts <= sessions.at_event_ts
            and events.visitor_id is not null
            and {{ in_event_window("sessions", 0, 2, relation="events") }}
    ),

    counted as (
        select
            {{ session }},
            max(at_event_hour) as hour_of_day,
            max(at_event_date) as at_event_date,
            {% for name, event in kinds.items() %} {{ count_events([event]) }} as {{ name }}, {% endfor %}
            count(*) as events,
            coalesce(
                {{ last_value_by_time("case when device_id is not null then customer_id end") }},
                case when bool_or(device_id is null) then {{ visiting_customer("visitor_id") }} end
            ) as customer_id,
            {{ first_value_by_time("page_url") }} as landing_page,
            {{ first_page_by_time("referrer") }} as referrer,
            {{ first_origin_by_time("channel") }} as channel,
            {{ first_origin_by_time("utm_source") }} as utm_source,
            {{ first_origin_by_time("utm_medium") }} as utm_medium,
            {{ first_value_by_time("device") }} as device,
            {{ first_value_by_time("country") }} as country
        from firsts
        where is_event_head
        group by {{ session }}
    ),

    sourced as ({{ session_channels("counted") }}),

    -- lists and orders hold many products that nobody has looked at or chosen now
    on_items as (
        select {{ session }}, event_name, item_id, price_minor, quantity
        from firsts
        where event_name in ('view_item', 'add_to_wishlist', 'add_to_cart', 'remove_from_cart')
    ),

    by_item as (
        select
            {{ session }},
            item_id,
            count(case when event_name = 'view_item' and item_id is not null then 1 end) as views,
            {{ count_events(["add_to_cart"]) }} as cart_lines,
            count(case when event_name = 'add_to_cart' then price_minor end) as priced_cart_lines,
            max(case when event_name = 'view_item' then price_minor end) as max_viewed_minor,
            sum(case when event_name = 'view_item' then price_minor end) as viewed_minor,
            count(case when event_name = 'view_item' then price_minor end) as priced_views,
            sum(
                case
                    event_name
                    when 'add_to_cart'
                    then price_minor * quantity
                    when 'remove_from_cart'
                    then - price_minor * quantity
                end
            ) as cart_minor
        from on_items
        group by {{ session }}, item_id
    ),

    on_products as (
        select
            {{ session }},
            count(item_id) as items,
            max(views) as most_viewed,
            max(max_viewed_minor) as max_price_viewed_minor,
            cast(sum(viewed_minor) as bigint) as viewed_minor,
            cast(sum(priced_views) as bigint) as priced_views,
            cast(sum(cart_lines) as bigint) as cart_lines,
            cast(sum(priced_cart_lines) as bigint) as priced_cart_lines,
            cast(sum(cart_minor) as bigint) as cart_minor
        from by_item
        group by {{ session }}
    ),

    in_categories as (
        select {{ session }}, count(*) as categories
        from
            (
                select distinct {{ session }}, item_category
                from firsts
                where
                    item_category is not null
                    and event_name in ('view_item', 'add_to_wishlist', 'add_to_cart', 'remove_from_cart')
            ) as categories
        group by {{ session }}
    ),

    -- the label
    bought_later as (
        select distinct events.shop_id, events.visitor_id, sessions.session_start_ts
        from {{ ref("int_events") }} as events
        inner join sessions on {{ in_session_day("events", "sessions") }}
        where
            events.event_ts > sessions.at_event_ts
            and events.event_name = 'purchase'
            and events.visitor_id is not null
            and {{ in_event_window("sessions", 0, 2, relation="events") }}
    )

select
    sessions.shop_id,
    sessions.session_date,
    {{ session_id("sessions") }} as session_id,
    sessions.visitor_id,
    sourced.customer_id,
    sessions.session_start_ts,
    sourced.events,
    sessions.at_event_ts,
    sourced.hour_of_day,
    cast({{ weekday("sourced.at_event_date") }} as bigint) as weekday,
    sessions.elapsed_us,
    sessions.longest_gap_us,
    {% for name in kinds %} sourced.{{ name }}, {% endfor %}
    sourced.events - sourced.{{ kinds | join(" - sourced.") }} as other_events,
    coalesce(on_products.items, 0) as items,
    coalesce(in_categories.categories, 0) as categories,
    coalesce(on_products.most_viewed, 0) as most_viewed,
    on_products.max_price_viewed_minor,
    {{ ratio("on_products.viewed_minor", "on_products.priced_views", 2) }} as mean_price_viewed_minor,
    -- unknown where nothing put in has a price; what was taken out may have been put in by an earlier session
    case
        when coalesce(on_products.cart_lines, 0) = 0
        then 0
        when on_products.priced_cart_lines > 0
        then greatest(on_products.cart_minor, 0)
    end as cart_value_minor,
    sourced.channel_group,
    sourced.device,
    sourced.country,
    bought_later.shop_id is not null as purchased_later
from sourced
inner join
    sessions
    on sessions.shop_id = sourced.shop_id
    and sessions.visitor_id = sourced.visitor_id
    and sessions.session_start_ts = sourced.session_start_ts
    and sessions.event_date = sourced.at_event_date
left join
    on_products
    on on_products.shop_id = sourced.shop_id
    and on_products.visitor_id = sourced.visitor_id
    and on_products.session_start_ts = sourced.session_start_ts
left join
    in_categories
    on in_categories.shop_id = sourced.shop_id
    and in_categories.visitor_id = sourced.visitor_id
    and in_categories.session_start_ts = sourced.session_start_ts
left join
    bought_later
    on bought_later.shop_id = sourced.shop_id
    and bought_later.visitor_id = sourced.visitor_id
    and bought_later.session_start_ts = sourced.session_start_ts

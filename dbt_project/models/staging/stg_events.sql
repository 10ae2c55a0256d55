with
    events as (select * from {{ source("lake", "events") }}),

    active_loads as (
        select loads.load_id, shops.timezone, shops.currency
        from {{ ref("stg_loads") }} as loads
        inner join {{ ref("stg_shops") }} as shops on shops.shop_id = loads.shop_id
        where loads.contract = 'events' and not loads.is_superseded
    ),

    dated as (
        select
            events.shop_id,
            events.event_id,
            cast(events.item_index as bigint) as item_index,
            events.event_name,
            cast(events.event_ts as timestamp) as event_ts,
            -- files older than these two columns ask the time zone, row by row
            case
                when events.event_date is not null
                then cast(events.event_date as date)
                else {{ local_date("cast(events.event_ts as timestamp)", "active_loads.timezone") }}
            end as event_date,
            case
                when events.event_hour is not null
                then cast(events.event_hour as bigint)
                else
                    extract(
                        hour
                        from {{ local_time("cast(events.event_ts as timestamp)", "active_loads.timezone") }}
                    )
            end as event_hour,
            cast(events.received_ts as timestamp) as received_ts,
            cast(events.arrival_date as date) as arrival_date,
            events.source,

            -- who
            coalesce(events.device_id, 'customer:' || events.customer_id) as visitor_id,
            events.device_id,
            events.customer_id,
            events.source_session_id,

            -- where from
            events.page_url,
            events.referrer,
            events.user_agent,
            events.utm_source,
            events.utm_medium,
            events.utm_campaign,
            events.channel,
            events.device,
            events.country,
            events.region,
            events.city,

            -- what
            events.item_id,
            events.item_name,
            events.item_variant,
            events.item_category,
            events.item_brand,
            cast(events.price as bigint) as price_minor,
            cast(events.quantity as bigint) as quantity,
            cast(events.discount as bigint) as discount_minor,
            events.coupon,
            cast(events.tax as bigint) as tax_minor,
            cast(events.shipping as bigint) as shipping_minor,
            cast(events.value as bigint) as value_minor,
            coalesce(events.currency, active_loads.currency) as currency,
            events.order_id,
            events.payment_method,
            events.search_term,
            cast(events.dwell_ms as bigint) as dwell_ms,
            events.properties,
            events.content_hash,

            -- where the row stands in its file
            events.load_id,
            cast(events.source_row as bigint) as source_row
        from events
        inner join active_loads on active_loads.load_id = events.load_id
    )

select
    *,
    -- a day early is a clock a little ahead or another time zone; more is a broken clock
    arrival_date > event_date + {{ late_days() }} or arrival_date < event_date - 1 as is_too_late
from dated

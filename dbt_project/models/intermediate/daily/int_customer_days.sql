{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "events"},
    )
}}

select
    shop_id,
    event_date,
    customer_id,
    visitor_id,
    min(event_ts) as first_event_ts,
    max(event_ts) as last_event_ts,
    count(*) as events,
    {{ count_events(["login", "sign_up", "identify"]) }} as logins,
    {{ count_events(["purchase"]) }} as purchases,
    bool_or(device_id is not null) as is_device,
    {{ last_place_by_time("country") }} as country,
    {{ last_place_by_time("region") }} as region,
    {{ last_place_by_time("city") }} as city
from {{ ref("int_events") }}
where customer_id is not null and is_event_head and {{ in_event_window("events") }}
group by shop_id, event_date, customer_id, visitor_id

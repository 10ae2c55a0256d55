{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "arrival_date", "reach": "arrivals"},
    )
}}

select
    shop_id,
    arrival_date,
    event_date,
    arrival_date - event_date as days_late,
    event_id,
    item_index,
    event_name,
    event_ts,
    source,
    visitor_id,
    order_id,
    value_minor,
    currency,
    content_hash
from {{ ref("stg_events") }}
where is_too_late and {{ in_window("arrival_date", "arrivals") }}

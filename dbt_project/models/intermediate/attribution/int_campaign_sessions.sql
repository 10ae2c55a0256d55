{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "session_date", "reach": "sessions"},
    )
}}

select
    shop_id,
    session_date,
    traffic_source,
    traffic_medium,
    utm_campaign,
    count(*) as sessions,
    count(case when is_bounce then 1 end) as bounces,
    count(case when orders > 0 then 1 end) as sessions_with_purchase
from {{ ref("fct_sessions") }}
where utm_campaign is not null and not is_bot and {{ in_window("session_date", "sessions") }}
group by shop_id, session_date, traffic_source, traffic_medium, utm_campaign

{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "session_date", "reach": "sessions"},
    )
}}

with
    sessions as ({{ session_days("sessions") }}),

    views as (
        select shop_id, event_date, visitor_id, event_ts, item_id, item_category
        from {{ ref("int_events") }}
        where event_name = 'view_item' and visitor_id is not null and {{ in_event_window("sessions", 0, 2) }}
    ),

    products as ({{ known_categories("sessions", 0, 2) }})

select
    views.shop_id,
    sessions.session_date,
    views.event_date,
    views.visitor_id,
    sessions.session_start_ts,
    coalesce({{ item_category("views", "products") }}, '(not set)') as category,
    min(views.event_ts) as first_view_ts,
    max(views.event_ts) as last_view_ts
from views
inner join sessions on {{ in_session("views", "sessions") }}
left join products on {{ category_of_item("views", "products") }}
group by
    views.shop_id,
    sessions.session_date,
    views.event_date,
    views.visitor_id,
    sessions.session_start_ts,
    coalesce({{ item_category("views", "products") }}, '(not set)')

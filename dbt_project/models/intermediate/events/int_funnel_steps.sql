{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "session_date", "reach": "sessions"},
    )
}}

with
    sessions as ({{ session_days("sessions") }}),

    steps as (
        select
            shop_id,
            event_date,
            visitor_id,
            event_ts,
            case
                event_name
                when 'add_to_cart'
                then 'cart'
                when 'begin_checkout'
                then 'checkout'
                else event_name
            end as step,
            item_id,
            item_name,
            item_category
        from {{ ref("int_events") }}
        where
            event_name in ('add_to_cart', 'begin_checkout', 'purchase')
            and visitor_id is not null
            and {{ in_event_window("sessions", 0, 2) }}
    ),

    products as ({{ known_categories("sessions", 0, 2) }})

-- two items of one category, or two events of one microsecond, are one step
select distinct
    steps.shop_id,
    sessions.session_date,
    steps.event_date,
    steps.visitor_id,
    sessions.session_start_ts,
    steps.step,
    steps.event_ts as step_ts,
    case
        when
            steps.step = 'cart'
            or steps.item_id is not null
            or steps.item_name is not null
            or steps.item_category is not null
        then coalesce({{ item_category("steps", "products") }}, '(not set)')
    end as category
from steps
inner join sessions on {{ in_session("steps", "sessions") }}
left join products on {{ category_of_item("steps", "products") }}

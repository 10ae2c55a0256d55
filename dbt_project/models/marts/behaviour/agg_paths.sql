{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "path_date", "reach": "sessions", "publish_by": "path_date", "key": ["shop_id", "path_date", "path_kind", "from_value", "to_value"]},
    )
}}

{%- set session = ["shop_id", "session_date", "visitor_id", "session_start_ts"] -%}

with
    sessions as ({{ session_days("sessions") }}),

    events as (
        select
            events.shop_id,
            events.event_date,
            events.visitor_id,
            events.event_ts,
            events.event_id,
            events.event_name = 'view_item' as is_view,
            events.page_url,
            events.item_id,
            events.item_category
        from {{ ref("int_events") }} as events
        where
            events.is_event_head
            and events.visitor_id is not null
            and (events.page_url is not null or events.event_name = 'view_item')
            and {{ in_event_window("sessions", 0, 2, relation="events") }}
    ),

    products as ({{ known_categories("sessions", 0, 2) }}),

    stops as (
        select
            sessions.{{ session | join(", sessions.") }},
            'page' as path_kind,
            {{ page_path("events.page_url") }} as place,
            events.event_ts,
            events.event_id
        from events
        inner join sessions on {{ in_session("events", "sessions") }}
        where events.page_url is not null
        union all
        select
            sessions.{{ session | join(", sessions.") }},
            'category' as path_kind,
            coalesce({{ item_category("events", "products") }}, '(not set)') as place,
            events.event_ts,
            events.event_id
        from events
        inner join sessions on {{ in_session("events", "sessions") }}
        left join products on {{ category_of_item("events", "products") }}
        where events.is_view
    ),

    -- events of one microsecond follow each other by their ids
    ordered as (
        select
            {{ session | join(", ") }},
            path_kind,
            place,
            lag(place) over stops_of_session as last_place,
            lead(place) over stops_of_session is null as is_last
        from stops
        window
            stops_of_session as (
                partition by {{ session | join(", ") }}, path_kind order by event_ts, event_id
            )
    ),

    -- several events of one page are one stop on it; viewing two products of one category are two
    moves as (
        select {{ session | join(", ") }}, path_kind, from_value, to_value, count(*) as transitions
        from
            (
                select
                    {{ session | join(", ") }},
                    path_kind,
                    coalesce(last_place, '(entrance)') as from_value,
                    place as to_value
                from ordered
                where path_kind = 'category' or last_place is null or last_place <> place
                union all
                select {{ session | join(", ") }}, path_kind, place as from_value, '(exit)' as to_value
                from ordered
                where is_last
            ) as moved
        group by {{ session | join(", ") }}, path_kind, from_value, to_value
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by shop_id, session_date, path_kind order by transitions desc, from_value, to_value
            ) as place
        from
            (
                select
                    shop_id,
                    session_date,
                    path_kind,
                    from_value,
                    to_value,
                    cast(sum(transitions) as bigint) as transitions,
                    count(*) as sessions
                from moves
                group by shop_id, session_date, path_kind, from_value, to_value
            ) as counted
    )

select shop_id, session_date as path_date, path_kind, from_value, to_value, transitions, sessions
from ranked
where place <= {{ var("paths_kept") }}

union all

select
    ranked.shop_id,
    ranked.session_date as path_date,
    ranked.path_kind,
    '(other)' as from_value,
    '(other)' as to_value,
    cast(sum(moves.transitions) as bigint) as transitions,
    count(distinct {{ hash_key(["moves.visitor_id", epoch_us("moves.session_start_ts")]) }}) as sessions
from ranked
inner join
    moves
    on moves.shop_id = ranked.shop_id
    and moves.session_date = ranked.session_date
    and moves.path_kind = ranked.path_kind
    and moves.from_value = ranked.from_value
    and moves.to_value = ranked.to_value
where ranked.place > {{ var("paths_kept") }}
group by ranked.shop_id, ranked.session_date, ranked.path_kind

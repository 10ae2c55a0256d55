{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "search_date", "reach": "session_events", "publish_by": "search_date", "key": ["shop_id", "search_date", "search_term"]},
    )
}}

{%- set session = ["shop_id", "visitor_id", "session_start_ts"] -%}

with
    searches as (
        select
            shop_id,
            event_date,
            visitor_id,
            event_ts,
            coalesce({{ plain_words("search_term") }}, '(not set)') as search_term
        from {{ ref("int_events") }} as events
        where
            event_name = 'search'
            and is_event_head
            and visitor_id is not null
            and {{ in_event_window("session_events") }}
            and {{ of_people("events", "session_events") }}
    ),

    sessions as ({{ session_days("session_events", 2, 0) }}),

    -- what the cap of 24 hours cut off is a search of no session
    searched as (
        select
            searches.shop_id,
            searches.event_date as search_date,
            searches.search_term,
            searches.visitor_id,
            sessions.session_start_ts,
            count(*) as searches,
            min(searches.event_ts) as first_search_ts
        from searches
        left join sessions on {{ in_session("searches", "sessions") }}
        group by
            searches.shop_id,
            searches.event_date,
            searches.search_term,
            searches.visitor_id,
            sessions.session_start_ts
    ),

    viewed as (
        select {{ session | join(", ") }}, max(last_view_ts) as last_view_ts
        from {{ ref("int_funnel_views") }}
        where {{ in_window("session_date", "session_events", 2, 0) }}
        group by {{ session | join(", ") }}
    ),

    bought as (
        select {{ session | join(", ") }}, max(step_ts) as last_purchase_ts
        from {{ ref("int_funnel_steps") }}
        where step = 'purchase' and {{ in_window("session_date", "session_events", 2, 0) }}
        group by {{ session | join(", ") }}
    ),

    terms as (
        select
            searched.shop_id,
            searched.search_date,
            searched.search_term,
            cast(sum(searched.searches) as bigint) as searches,
            count(distinct searched.visitor_id) as visitors,
            count(searched.session_start_ts) as sessions,
            count(
                case when viewed.last_view_ts >= searched.first_search_ts then 1 end
            ) as sessions_with_view_after,
            count(
                case when bought.last_purchase_ts >= searched.first_search_ts then 1 end
            ) as sessions_with_purchase_after
        from searched
        left join viewed using ({{ session | join(", ") }})
        left join bought using ({{ session | join(", ") }})
        group by searched.shop_id, searched.search_date, searched.search_term
    )

select
    shop_id,
    search_date,
    search_term,
    searches,
    visitors,
    sessions,
    sessions_with_view_after,
    sessions_with_purchase_after,
    {{ metric("search_view_rate") }} as view_rate,
    {{ metric("search_purchase_rate") }} as purchase_rate
from terms

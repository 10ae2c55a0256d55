{#
  How far each visitor's day with a step after the view came, as a whole (category '') and in each category.
  A step counts for a day when it follows the day's first view within the funnel's window, or is of the day.
#}
{{ config(materialized="ephemeral") }}

{%- set keys = ["shop_id", "funnel_date", "visitor_id"] -%}
{%- set days = var("funnel_window_days") -%}
{%- set span = "interval '" ~ days * 24 ~ "' hour" -%}

with
    logged as (
        select shop_id, visitor_id, event_date, step, step_ts, category
        from {{ ref("int_funnel_steps") }}
        where {{ in_window("session_date", "visitor_funnels", days + 3, days + 1) }}
    ),

    -- what names no item is of all that was put into the cart so long before it, or on its day
    steps as (
        select shop_id, visitor_id, event_date, step, step_ts, '' as category
        from logged
        union all
        select shop_id, visitor_id, event_date, step, step_ts, category
        from logged
        where category is not null
        union all
        select distinct
            logged.shop_id, logged.visitor_id, logged.event_date, logged.step, logged.step_ts, carts.category
        from logged
        inner join
            logged as carts
            on carts.shop_id = logged.shop_id
            and carts.visitor_id = logged.visitor_id
            and carts.step = 'cart'
            and (
                carts.event_date = logged.event_date
                or carts.step_ts between logged.step_ts - {{ span }} and logged.step_ts
            )
        where logged.category is null
    ),

    -- days of people, and what they viewed on them
    people as (
        select shop_id, event_date as funnel_date, visitor_id, first_view_ts
        from {{ ref("agg_user_daily") }}
        where not is_bot and {{ in_window("event_date", "visitor_funnels") }}
    ),

    stepping as (select distinct shop_id, visitor_id, category from steps),

    viewed as (
        select
            views.shop_id,
            views.event_date as funnel_date,
            views.visitor_id,
            views.category,
            views.first_view_ts
        from {{ ref("int_funnel_views") }} as views
        inner join stepping using (shop_id, visitor_id, category)
        where
            {{ in_window("views.session_date", "visitor_funnels", 2, 0) }}
            and {{ in_window("views.event_date", "visitor_funnels") }}
    ),

    entries as (
        select
            shop_id,
            funnel_date,
            visitor_id,
            '' as category,
            first_view_ts,
            first_view_ts + {{ span }} as closes_ts
        from people
        union all
        select
            entered.shop_id,
            entered.funnel_date,
            entered.visitor_id,
            entered.category,
            min(entered.first_view_ts) as first_view_ts,
            min(entered.first_view_ts) + {{ span }} as closes_ts
        from
            (
                select *
                from viewed
                union all
                select
                    shop_id,
                    event_date as funnel_date,
                    visitor_id,
                    category,
                    cast(null as timestamp) as first_view_ts
                from steps
                where category <> ''
            ) as entered
        inner join people using (shop_id, funnel_date, visitor_id)
        group by entered.shop_id, entered.funnel_date, entered.visitor_id, entered.category
    ),

    followed as (
        select
            entries.shop_id,
            entries.funnel_date,
            entries.visitor_id,
            entries.category,
            steps.step,
            steps.step_ts
        from steps
        inner join
            entries
            on entries.shop_id = steps.shop_id
            and entries.visitor_id = steps.visitor_id
            and entries.category = steps.category
            and (
                entries.funnel_date = steps.event_date
                or steps.step_ts between entries.first_view_ts and entries.closes_ts
            )
    )

    {{ funnel_marks(keys, "entries", "followed") }}

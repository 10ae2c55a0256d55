{#
  Sessions of people, once for every shop's day they touch (`event_date`), so that events find theirs by
  shop, visitor and day, and the time between first and last event. Sessions of a visitor never overlap and
  hold every event in between, so this is the same as looking each event up in `int_session_days`, at a
  fraction of the cost. `before` and `after` widen the reach of the stage as in `in_window`.
#}
{% macro session_days(stage, before=0, after=0) %}
    select sessions.*, date_shift.days + sessions.session_date as event_date
    from
        (
            select
                sessions.*,
                case
                    when sessions.is_bounce
                    then sessions.session_date
                    else {{ local_date("sessions.session_end_ts", "shops.timezone") }}
                end as last_date
            from {{ ref("fct_sessions") }} as sessions
            inner join {{ ref("stg_shops") }} as shops on shops.shop_id = sessions.shop_id
            where not sessions.is_bot and {{ in_window("sessions.session_date", stage, before, after) }}
        ) as sessions
    -- 24 hours touch three days where the clocks go forward
    inner join
        (
            select 0 as days
            union all
            select 1 as days
            union all
            select 2 as days
        ) as date_shift
        on sessions.session_date + date_shift.days <= sessions.last_date
{% endmacro %}

{# Join condition: an event lies in a session of `session_days`. #}
{% macro in_session(event, session) -%}
    {{ session }}.shop_id = {{ event }}.shop_id
    and {{ session }}.event_date = {{ event }}.event_date
    and {{ session }}.visitor_id = {{ event }}.visitor_id
    and {{ event }}.event_ts between {{ session }}.session_start_ts and {{ session }}.session_end_ts
{%- endmacro %}

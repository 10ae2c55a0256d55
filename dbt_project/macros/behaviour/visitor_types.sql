{#
  Visitors' days with `visitor_type`: returning when seen on a day not more than `returning_days` before.
#}
{% macro visitor_types(stage) %}
    {%- set returning_days = var("returning_days") -%}
    select *
    from
        (
            select
                shop_id,
                event_date,
                visitor_id,
                first_view_ts,
                is_bot,
                case
                    when
                        lag(event_date) over (partition by {{ visitor_marks() }} order by event_date)
                        >= event_date - {{ returning_days }}
                    then 'returning'
                    else 'new'
                end as visitor_type
            from {{ ref("agg_user_daily") }}
            where {{ in_window("event_date", stage, returning_days, 0) }}
        ) as seen
    where {{ in_window("event_date", stage) }}
{% endmacro %}

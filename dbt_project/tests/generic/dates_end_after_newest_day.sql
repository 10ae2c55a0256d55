{#
  The newest date is not before the end of the days that are known of customers (those dated later than the
  newest arrival apart), and not later than the day after the newest arrival.
#}
{% test dates_end_after_newest_day(model) %}
    with
        dates as (select shop_id, max(as_of) as as_of from {{ model }} group by shop_id),

        arrivals as (
            select shop_id, max(arrival_date) as newest_day
            from {{ ref("audit_arrival_days") }}
            group by shop_id
        ),

        known as (
            select days.shop_id, max(days.event_date) as newest_day
            from {{ ref("feat_customer_days") }} as days
            inner join arrivals on arrivals.shop_id = days.shop_id and days.event_date <= arrivals.newest_day
            group by days.shop_id
        )

    select arrivals.shop_id, dates.as_of, known.newest_day, arrivals.newest_day as newest_arrival
    from arrivals
    inner join known on known.shop_id = arrivals.shop_id
    left join dates on dates.shop_id = arrivals.shop_id
    where
        dates.as_of is null
        or dates.as_of <= known.newest_day
        or dates.as_of > {{ add_days("arrivals.newest_day", 1) }}
{% endtest %}

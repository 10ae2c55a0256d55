{{
    config(
        tags=["whole"],
        meta={"refresh_class": "from daily", "key": ["shop_id", "cohort_type", "period", "cohort_start", "period_number"]},
    )
}}

{%- set cohort_types = {"first_visit": "visit", "first_purchase": "order"} -%}
{%- set periods = ["week", "month"] -%}

with
    as_of as ({{ as_of() }}),

    shops as (select * from {{ ref("stg_shops") }}),

    person_days as (
        select days.*, as_of.as_of
        from {{ ref("int_person_days") }} as days
        inner join as_of on as_of.shop_id = days.shop_id
        where days.day <= as_of.as_of
    ),

    members as (
        {% for cohort_type, kind in cohort_types.items() %}
            select
                shop_id,
                '{{ cohort_type }}' as cohort_type,
                person_id,
                min(day) as first_day,
                min(as_of) as as_of
            from person_days
            where kind = '{{ kind }}'
            group by shop_id, person_id {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    cohort_members as (
        {% for period in periods %}
            select
                shop_id,
                cohort_type,
                '{{ period }}' as period,
                {{ period_start(period, "first_day") }} as cohort_start,
                person_id,
                as_of
            from members {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    cohorts as (
        select shop_id, cohort_type, period, cohort_start, as_of, count(*) as cohort_size
        from cohort_members
        group by shop_id, cohort_type, period, cohort_start, as_of
    ),

    -- every period from the first to the newest, whether or not anybody came; ten thousand weeks are 190
    -- years
    numbers as ({{ numbers_below(10000) }}),

    cells as (
        {% for period in periods %}
            select
                cohorts.*,
                numbers.number as period_number,
                {{ period_after(period, "cohorts.cohort_start", "numbers.number") }} as period_start,
                {{ period_after(period, "cohorts.cohort_start", "(numbers.number + 1)") }} as next_start
            from cohorts
            inner join
                numbers
                on numbers.number
                <= {{ periods_between(period, "cohorts.cohort_start", period_start(period, "cohorts.as_of")) }}
            where cohorts.period = '{{ period }}' {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    -- what each person did in each period
    person_periods as (
        {% for period in periods %}
            select
                shop_id,
                '{{ period }}' as period,
                person_id,
                {{ period_start(period, "day") }} as period_start,
                bool_or(kind = 'visit') as has_visited,
                cast(sum(orders) as bigint) as orders,
                cast(sum(orders_in_currency) as bigint) as orders_in_currency,
                cast(sum(net_revenue_minor) as bigint) as net_revenue_minor
            from person_days
            group by shop_id, person_id, {{ period_start(period, "day") }} {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    activity as (
        select
            cohort_members.shop_id,
            cohort_members.cohort_type,
            cohort_members.period,
            cohort_members.cohort_start,
            person_periods.period_start,
            count(
                case
                    when cohort_members.cohort_type = 'first_visit' and person_periods.has_visited
                    then 1
                    when cohort_members.cohort_type = 'first_purchase' and person_periods.orders > 0
                    then 1
                end
            ) as active,
            cast(sum(person_periods.orders) as bigint) as orders,
            cast(sum(person_periods.orders_in_currency) as bigint) as orders_in_currency,
            cast(sum(person_periods.net_revenue_minor) as bigint) as net_revenue_minor
        from cohort_members
        inner join
            person_periods
            on person_periods.shop_id = cohort_members.shop_id
            and person_periods.person_id = cohort_members.person_id
            and person_periods.period = cohort_members.period
        group by
            cohort_members.shop_id,
            cohort_members.cohort_type,
            cohort_members.period,
            cohort_members.cohort_start,
            person_periods.period_start
    ),

    filled as (
        select
            cells.*,
            coalesce(activity.active, 0) as active,
            coalesce(activity.orders, 0) as orders,
            case
                when coalesce(activity.orders_in_currency, 0) = 0 then 0 else activity.net_revenue_minor
            end as net_revenue_minor
        from cells
        left join
            activity
            on activity.shop_id = cells.shop_id
            and activity.cohort_type = cells.cohort_type
            and activity.period = cells.period
            and activity.cohort_start = cells.cohort_start
            and activity.period_start = cells.period_start
    )

select
    filled.shop_id,
    filled.cohort_type,
    filled.period,
    filled.cohort_start,
    filled.period_number,
    filled.period_start,
    filled.cohort_size,
    filled.active,
    {{ metric("retention_rate", "filled") }} as retention_rate,
    filled.orders,
    filled.net_revenue_minor,
    {{ metric("net_revenue_per_member_minor", "filled") }} as net_revenue_per_member_minor,
    shops.currency,
    filled.next_start <= filled.as_of + 1 as is_complete,
    filled.as_of
from filled
inner join shops on shops.shop_id = filled.shop_id

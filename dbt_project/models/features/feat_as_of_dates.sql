{#
  The days for which feat_customers is made: the first days of the last twelve months, and up to twelve
  steps of 30 days back from the day after the newest day. Features of a date know only what is dated
  before it, so the newest may be used to score and all others to learn from.
#}
{{
    config(
        schema="features",
        materialized="table",
        tags=["whole"],
        contract={"enforced": true},
        meta={"refresh_class": "from daily", "key": ["shop_id", "as_of"]},
    )
}}

with
    newest as (select shop_id, {{ add_days("as_of", 1) }} as as_of from ({{ as_of() }}) as days),

    first_days as (
        select shop_id, min(event_date) as event_date from {{ ref("feat_customer_days") }} group by shop_id
    ),

    numbers as ({{ numbers_below(12) }}),

    dates as (
        select
            newest.shop_id,
            {{ month_start("newest.as_of", "- numbers.number") }} as as_of,
            1 as is_month,
            0 as is_step
        from newest
        cross join numbers

        union all

        select
            newest.shop_id,
            {{ add_days("newest.as_of", "-30 * numbers.number") }} as as_of,
            0 as is_month,
            1 as is_step
        from newest
        cross join numbers
    )

select
    dates.shop_id, dates.as_of, max(dates.is_month) = 1 as is_month_start, max(dates.is_step) = 1 as is_step
from dates
inner join first_days on first_days.shop_id = dates.shop_id and first_days.event_date < dates.as_of
group by dates.shop_id, dates.as_of

{#
  When and on what each customer visits: sessions of the last `profile_days` days counted by part of the
  day, weekend and device. Fewer rows than sessions by far, read several times by customer_profile.
#}
{{ config(tags=["whole"], meta={"refresh_class": "from daily"}) }}

{%- set days = var("profile_days") -%}

with
    as_of as ({{ as_of() }}),

    shops as (select * from {{ ref("stg_shops") }}),

    identities as (
        select shop_id, anonymous_id, customer_id from {{ ref("dim_identities") }} where is_merged
    ),

    sessions as (
        select
            sessions.shop_id,
            coalesce(sessions.customer_id, identities.customer_id) as customer_id,
            extract(hour from {{ local_time("sessions.session_start_ts", "shops.timezone") }}) as start_hour,
            {{ weekday("sessions.session_date") }} >= 5 as is_weekend,
            sessions.device,
            sessions.cart_adds
        from {{ ref("fct_sessions") }} as sessions
        inner join
            as_of
            on as_of.shop_id = sessions.shop_id
            and sessions.session_date <= as_of.as_of
            and sessions.session_date > {{ add_days("as_of.as_of", -days) }}
        inner join shops on shops.shop_id = sessions.shop_id
        left join
            identities
            on identities.shop_id = sessions.shop_id
            and identities.anonymous_id = sessions.visitor_id
        where not sessions.is_bot and coalesce(sessions.customer_id, identities.customer_id) is not null
    ),

    named as (
        select
            *,
            case
                when start_hour < 6
                then 'night'
                when start_hour < 12
                then 'morning'
                when start_hour < 18
                then 'afternoon'
                else 'evening'
            end as daypart
        from sessions
    )

select
    shop_id,
    customer_id,
    daypart,
    is_weekend,
    device,
    count(*) as sessions,
    cast(sum(cart_adds) as bigint) as cart_adds
from named
group by shop_id, customer_id, daypart, is_weekend, device

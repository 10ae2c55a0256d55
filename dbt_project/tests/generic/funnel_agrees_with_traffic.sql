{#
  The funnel's whole is the day's traffic: its sessions and visitors, those with a view, and the sessions
  that bought. Every dimension but the category (where one counts in several) divides the whole up.
#}
{% test funnel_agrees_with_traffic(model) %}
    with
        funnels as (select * from {{ model }} where {{ in_window("funnel_date", "visitor_funnels") }}),

        expected as (
            select
                shop_id,
                event_date as funnel_date,
                'session' as unit,
                sessions as units,
                cast(null as bigint) as views,
                sessions_with_purchase as purchases
            from {{ ref("int_traffic_daily") }}
            where sessions > 0 and {{ in_window("event_date", "visitor_funnels") }}
            union all
            select
                traffic.shop_id,
                traffic.event_date as funnel_date,
                'visitor' as unit,
                traffic.visitors as units,
                viewers.visitors as views,
                cast(null as bigint) as purchases
            from {{ ref("int_traffic_daily") }} as traffic
            inner join
                (
                    select
                        shop_id,
                        event_date,
                        count(case when not is_bot and first_view_ts is not null then 1 end) as visitors
                    from {{ ref("agg_user_daily") }}
                    where {{ in_window("event_date", "visitor_funnels") }}
                    group by shop_id, event_date
                ) as viewers
                on viewers.shop_id = traffic.shop_id
                and viewers.event_date = traffic.event_date
            where traffic.visitors > 0
        ),

        divided as (
            select
                shop_id,
                funnel_date,
                unit,
                dimension,
                sum(units) as units,
                sum(views) as views,
                sum(purchases_any_order) as purchases
            from funnels
            where dimension <> 'category'
            group by shop_id, funnel_date, unit, dimension
        ),

        dimensions as (
            select dimension
            from divided
            union
            select 'all' as dimension
        )

    select
        coalesce(divided.shop_id, expected.shop_id) as shop_id,
        coalesce(divided.funnel_date, expected.funnel_date) as funnel_date,
        coalesce(divided.unit, expected.unit) as unit,
        coalesce(divided.dimension, expected.dimension) as dimension,
        divided.units,
        expected.units as expected_units
    from divided
    full join
        (select expected.*, dimensions.dimension from expected cross join dimensions) as expected
        on expected.shop_id = divided.shop_id
        and expected.funnel_date = divided.funnel_date
        and expected.unit = divided.unit
        and expected.dimension = divided.dimension
    where
        divided.units is distinct from expected.units
        or divided.views <> coalesce(expected.views, divided.views)
        or divided.purchases <> coalesce(expected.purchases, divided.purchases)
{% endtest %}

{# What campaigns cost is what the shop's cost rows in its own currency say, in money and in rows left out. #}
{% test costs_are_all_there(model) %}
    with
        shown as (
            select
                shop_id,
                sum(cost_minor) as cost_minor,
                sum(costs_in_other_currency) as in_other_currency,
                sum(costs_of_unknown_amount) as unknown
            from {{ model }}
            group by shop_id
        ),

        stated as (
            select
                costs.shop_id,
                sum(case when costs.currency = shops.currency then costs.cost_minor end) as cost_minor,
                count(case when costs.currency <> shops.currency then 1 end) as in_other_currency,
                count(case when costs.cost_minor is null then 1 end) as unknown
            from {{ ref("stg_campaign_costs") }} as costs
            inner join {{ ref("stg_shops") }} as shops on shops.shop_id = costs.shop_id
            group by costs.shop_id
        )

    select stated.*, shown.cost_minor as shown_minor
    from stated
    left join shown on shown.shop_id = stated.shop_id
    where
        stated.cost_minor is distinct from shown.cost_minor
        or stated.in_other_currency is distinct from shown.in_other_currency
        or stated.unknown is distinct from shown.unknown
{% endtest %}

{# Each model credits a day's placed orders, and their net revenue in the shop's currency, once over. #}
{% test credited_days_sum_to_orders(model) %}
    with
        days as (
            select
                orders.shop_id,
                orders.order_date,
                count(*) as orders,
                sum(
                    case when orders.currency = shops.currency then orders.net_revenue_minor end
                ) as net_revenue_minor
            from {{ ref("fct_orders") }} as orders
            inner join {{ ref("stg_shops") }} as shops on shops.shop_id = orders.shop_id
            where orders.has_purchase and {{ tested_window() }}
            group by orders.shop_id, orders.order_date
        ),

        credited as (
            select
                shop_id,
                order_date,
                attribution_model,
                sum(orders) as orders,
                sum(net_revenue_minor) as net_revenue_minor
            from {{ model }}
            where {{ tested_window() }}
            group by shop_id, order_date, attribution_model
        ),

        models as (
            {% for name in attribution_models() %}
                select '{{ name }}' as attribution_model {{ "union all" if not loop.last }}
            {% endfor %}
        )

    select
        days.*,
        models.attribution_model,
        credited.orders as credited,
        credited.net_revenue_minor as credited_minor
    from days
    cross join models
    left join
        credited
        on credited.shop_id = days.shop_id
        and credited.order_date = days.order_date
        and credited.attribution_model = models.attribution_model
    where
        credited.orders is distinct from days.orders
        or coalesce(credited.net_revenue_minor, 0) <> coalesce(days.net_revenue_minor, 0)
{% endtest %}

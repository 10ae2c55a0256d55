{# Every placed order is credited by every model, once over and with all of its net revenue. #}
{% test credits_sum_to_order(model) %}
    with
        models as (
            {% for name in attribution_models() %}
                select '{{ name }}' as attribution_model {{ "union all" if not loop.last }}
            {% endfor %}
        ),

        orders as (
            select orders.*, models.attribution_model
            from {{ ref("fct_orders") }} as orders
            cross join models
            where has_purchase and {{ tested_window() }}
        ),

        credits as (
            select
                shop_id,
                order_id,
                attribution_model,
                sum(credit) as credit,
                sum(credit_minor) as credit_minor,
                count(case when credit_minor is null then 1 end) as unknown
            from {{ model }}
            where {{ tested_window() }}
            group by shop_id, order_id, attribution_model
        )

    select
        coalesce(orders.shop_id, credits.shop_id) as shop_id,
        coalesce(orders.order_id, credits.order_id) as order_id,
        coalesce(orders.attribution_model, credits.attribution_model) as attribution_model,
        credits.credit,
        credits.credit_minor,
        orders.net_revenue_minor
    from orders
    full join
        credits
        on credits.shop_id = orders.shop_id
        and credits.order_id = orders.order_id
        and credits.attribution_model = orders.attribution_model
    where
        orders.order_id is null
        or credits.order_id is null
        or credits.credit <> 1
        or credits.credit_minor is distinct from orders.net_revenue_minor
        or (credits.unknown > 0 and orders.net_revenue_minor is not null)
{% endtest %}

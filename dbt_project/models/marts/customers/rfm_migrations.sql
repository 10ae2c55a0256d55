{{
    config(
        tags=["whole"],
        meta={"refresh_class": "from daily", "key": ["shop_id", "from_month", "to_month", "from_group", "to_group"]},
    )
}}

with
    history as (
        select
            shop_id,
            as_of,
            customer_id,
            coalesce(value_group, '(unknown)') as value_group,
            coalesce(value_group_zh, '（未知）') as value_group_zh,
            monetary_minor,
            currency
        from {{ ref("customer_rfm_history") }}
    ),

    days as (select distinct shop_id, as_of from history),

    steps as (
        select shop_id, as_of as to_month, lag(as_of) over (partition by shop_id order by as_of) as from_month
        from days
    ),

    -- who was there at either end of a step
    ends as (
        {% for this_end in ["from_month", "to_month"] %}
            select steps.from_month, steps.to_month, history.*, history.as_of = steps.to_month as is_end
            from steps
            inner join history on history.shop_id = steps.shop_id and history.as_of = steps.{{ this_end }}
            where steps.from_month is not null {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    moved as (
        select
            shop_id,
            from_month,
            to_month,
            customer_id,
            max(case when not is_end then value_group end) as from_group,
            max(case when is_end then value_group end) as to_group,
            max(case when not is_end then value_group_zh end) as from_group_zh,
            max(case when is_end then value_group_zh end) as to_group_zh,
            max(case when not is_end then monetary_minor end) as from_minor,
            max(case when is_end then monetary_minor end) as to_minor
        from ends
        group by shop_id, from_month, to_month, customer_id
    ),

    named as (
        select
            shop_id,
            from_month,
            to_month,
            customer_id,
            coalesce(from_group, '(none)') as from_group,
            coalesce(to_group, '(none)') as to_group,
            coalesce(from_group_zh, '（无）') as from_group_zh,
            coalesce(to_group_zh, '（无）') as to_group_zh,
            -- somebody who is not there at the end has no standing order: what came in went back
            case
                when to_group is null then - from_minor else to_minor - coalesce(from_minor, 0)
            end as net_revenue_minor
        from moved
    )

select
    shop_id,
    from_month,
    to_month,
    from_group,
    to_group,
    min(from_group_zh) as from_group_zh,
    min(to_group_zh) as to_group_zh,
    count(*) as customers,
    cast(sum(net_revenue_minor) as bigint) as net_revenue_minor
from named
group by shop_id, from_month, to_month, from_group, to_group

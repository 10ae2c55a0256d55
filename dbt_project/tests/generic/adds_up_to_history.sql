{# Who left a month's groups and who came into the next month's are the customers of both months. #}
{% test adds_up_to_history(model) %}
    with
        history as (
            select
                shop_id,
                as_of,
                count(*) as customers,
                lag(as_of) over (partition by shop_id order by as_of) as previous_as_of,
                lag(count(*)) over (partition by shop_id order by as_of) as previous_customers
            from {{ ref("customer_rfm_history") }}
            group by shop_id, as_of
        ),

        moved as (
            select
                shop_id,
                from_month,
                to_month,
                sum(case when from_group <> '(none)' then customers else 0 end) as previous_customers,
                sum(case when to_group <> '(none)' then customers else 0 end) as customers
            from {{ model }}
            group by shop_id, from_month, to_month
        )

    select history.*, moved.previous_customers as moved_from, moved.customers as moved_to
    from history
    left join
        moved
        on moved.shop_id = history.shop_id
        and moved.from_month = history.previous_as_of
        and moved.to_month = history.as_of
    where
        history.previous_as_of is not null
        and (
            moved.customers is distinct from history.customers
            or moved.previous_customers is distinct from history.previous_customers
        )
{% endtest %}

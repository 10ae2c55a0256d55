{# The numbers of a customer's orders run 1, 2, 3 … in the order of time. #}
{% test numbers_without_gaps(model) %}
    with
        counted as (
            select
                *,
                count(*) over (
                    partition by shop_id, customer_id
                    order by ordered_at, order_id
                    rows between unbounded preceding and current row
                ) as expected_number
            from {{ model }}
            where order_number is not null
        )

    select shop_id, order_id, order_number, expected_number
    from counted
    where order_number <> expected_number
{% endtest %}

{# Each dimension of a day that divides orders, rather than their lines, adds up to `all`. #}
{% test dimensions_add_up(model, columns, lines=[]) %}
    with
        sums as (
            select
                shop_id,
                order_date,
                dimension
                {% for column in columns %}, sum({{ column }}) as {{ column }} {% endfor %}
            from {{ model }}
            where
                {{ tested_window() }}
                {% for dimension in lines %} and dimension <> '{{ dimension }}' {% endfor %}
            group by shop_id, order_date, dimension
        )

    select parts.*
    from sums as parts
    left join
        sums as whole
        on whole.dimension = 'all'
        and whole.shop_id = parts.shop_id
        and whole.order_date = parts.order_date
    where
        whole.shop_id is null
        {% for column in columns %}
            or coalesce(parts.{{ column }}, 0) <> coalesce(whole.{{ column }}, 0)
        {% endfor %}
{% endtest %}

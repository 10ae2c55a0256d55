{# Non-null key columns (all but the shop) name a row of `to`, in columns of the same names. #}
{% test refers_to(model, columns, to) %}
    select {{ columns | join(", ") }}
    from {{ model }} as child
    where
        {{ tested_window() }}
        {% for column in columns[1:] %} and child.{{ column }} is not null {% endfor %}
        and not exists (
            select 1
            from {{ to }} as parent
            where
                {% for column in columns %}
                    parent.{{ column }} = child.{{ column }} {{ "and" if not loop.last }}
                {% endfor %}
        )
{% endtest %}

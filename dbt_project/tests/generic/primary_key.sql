{#
  The columns identify a row: none of them null (but for those in `nullable`), no two rows equal.
  On a mart that a run rewrites by window only the window is looked at, so that the cost of the test
  does not grow with history; `dbt build` without a window looks at everything.
#}
{% test primary_key(model, columns, nullable=[]) %}
    select {{ columns | join(", ") }}, count(*) as copies
    from {{ model }}
    where {{ tested_window() }}
    group by {{ columns | join(", ") }}
    having
        count(*) > 1
        {% for column in columns if column not in nullable %} or {{ column }} is null {% endfor %}
{% endtest %}

{# An expression that is true of every row. #}
{% test holds(model, expression) %}
    select * from {{ model }} where {{ tested_window() }} and not coalesce({{ expression }}, false)
{% endtest %}

{# The column's values are all explained by a row of `to`, a table that no shop owns. #}
{% test refers_to_code(model, column, to) %}
    select distinct {{ column }}
    from {{ model }}
    where {{ tested_window() }} and {{ column }} not in (select {{ column }} from {{ to }})
{% endtest %}

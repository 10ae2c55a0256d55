{# Rows of a relation whose order is computed again in this run. #}
{% macro touched_rows(relation) %}
    select rows.*
    from {{ relation }} as rows
    inner join
        {{ ref("int_orders_touched") }} as touched
        on touched.shop_id = rows.shop_id
        and touched.order_id = rows.order_id
{% endmacro %}

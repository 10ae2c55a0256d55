{# Rows of a relation whose order is computed again in this run. #}
{% macro touched_rows(relation) %}
    select rows.*
    from {{ relation }} as rows
    inner join
        {{ ref("int_orders_touched") }} as touched
        on touched.shop_id = rows.shop_id
        and touched.order_id = rows.order_id
{% endmacro %}

{# Of each key the version written last, among those of touched orders alone: history is not ranked. #}
{% macro latest_touched(relation, key) %}
    select *
    from
        (
            select *, {{ latest_version(key) }} as version_rank
            from ({{ touched_rows(relation) }}) as versions
        ) as ranked
    where version_rank = 1
{% endmacro %}

{# Rows of a relation whose order is computed again in this run. #}
{% macro touched_rows(relation) %}
    select rows.*
    from {{ relation }} as rows
    inner join
        {{ ref("int_orders_touched") }} as touched
        on touched.shop_id = rows.shop_id
        and touched.order_id = rows.order_id
{% endmacro %}

{#
  Of each key the version written last, among the versions of touched orders (ties: the greater
  content hash, so that load order never matters). Touched first, so that history is not ranked.
#}
{% macro latest_touched(relation, key) %}
    select *
    from
        (
            select
                *,
                row_number() over (
                    partition by shop_id, {{ key | join(", ") }} order by updated_at desc, content_hash desc
                ) as version_rank
            from ({{ touched_rows(relation) }}) as versions
        ) as ranked
    where version_rank = 1
{% endmacro %}

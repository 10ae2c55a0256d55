{# Rows of a shop table that count: from loads that are committed and not superseded. #}
{% macro active_rows(table_name) %}
    select rows.*
    from {{ source("lake", table_name) }} as rows
    inner join {{ ref("stg_loads") }} as loads on loads.load_id = rows.load_id and not loads.is_superseded
{% endmacro %}

{#
  1 for the version of a key that was written last; ties go to the greater content hash, so that load
  order never matters.
#}
{% macro latest_version(key) %}
    row_number() over (
        partition by {{ (["shop_id"] + key) | join(", ") }} order by updated_at desc, content_hash desc
    )
{% endmacro %}

{#
  window: the run rewrites every partition in the model's reach of the arrival window, also those
  for which the new result has no row. (Deleting only the dates found in the result would leave a
  stale session behind when a late event empties a day.)
  Model meta: `partition_column`, `reach`.
#}
{% macro get_incremental_overwrite_window_sql(args) %}
    {% set column = config.get("meta")["partition_column"] %}
    {% set stage = config.get("meta")["reach"] %}
    {% set window = arrival_window() %}
    {% set columns = get_quoted_csv(args["dest_columns"] | map(attribute="name")) %}
    delete from {{ args["target_relation"] }}
    where {{ in_window(column, stage) }}
    ;
    insert into {{ args["target_relation"] }} ({{ columns }}) select {{ columns }} from {{ args["temp_relation"] }};
    {% if window is none %}
        {{ log_partition_write() }}
        ;
    {% else %}
        {% set span = reach(stage) %}
        {{ log_partition_write(day_literal(window.first, -span.before), day_literal(window.last, span.after)) }}
        ;
    {% endif %}
{% endmacro %}

{#
  touched keys: every key listed in the model's list of touched keys is removed and replaced by what
  the run computed for it, which is nothing when the key is gone.
  Model meta: `partition_column`, `touched_by` (the model that lists the keys), `touched_key`.
#}
{% macro get_incremental_replace_touched_sql(args) %}
    {% set meta = config.get("meta") %}
    {% set column = meta["partition_column"] %}
    {% set columns = get_quoted_csv(args["dest_columns"] | map(attribute="name")) %}
    {% set touched %}
        exists (
            select 1 from {{ ref(meta["touched_by"]) }} as touched
            where
                {% for key in meta["touched_key"] %}
                    touched.{{ key }} = target.{{ key }} {{ "and" if not loop.last }}
                {% endfor %}
        )
    {% endset %}
    insert into ops.partition_writes
    select nextval('ops.write_ids'), '{{ model.name }}', day, day, now()::timestamp
    from (
        select {{ column }} as day from {{ args["target_relation"] }} as target where {{ touched }}
        union
        select {{ column }} as day from {{ args["temp_relation"] }}
    )
    where day is not null
    order by day;
    delete from {{ args["target_relation"] }} as target
    where {{ touched }}
    ;
    insert into {{ args["target_relation"] }} ({{ columns }}) select {{ columns }} from {{ args["temp_relation"] }};
{% endmacro %}

{#
  written days: the run rewrites every day that a model upstream has rewritten since this model was
  last written (see `written_days`).
  Model meta: `partition_column`, `days_of` (the models whose writes count).
#}
{% macro get_incremental_replace_written_days_sql(args) %}
    {% set column = config.get("meta")["partition_column"] %}
    {% set days = written_days() %}
    {% set columns = get_quoted_csv(args["dest_columns"] | map(attribute="name")) %}
    delete from {{ args["target_relation"] }}
    where {{ in_written_days(column) }}
    ;
    insert into {{ args["target_relation"] }} ({{ columns }}) select {{ columns }} from {{ args["temp_relation"] }};
    {% if days is none %}
        {{ log_partition_write() }}
        ;
    {% else %}
        {% for span in days %}
            {{ log_partition_write(day_literal(span.first), day_literal(span.last)) }}
            ;
        {% endfor %}
    {% endif %}
{% endmacro %}

{# Post-hook of incremental models: a table that was just made, or made again, counts as written whole. #}
{% macro log_whole_write() %}
    {% if model.config.materialized == "incremental" and not is_incremental() %} {{ log_partition_write() }}
    {% else %} select 1
    {% endif %}
{% endmacro %}

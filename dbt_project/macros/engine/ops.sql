{#
  Bookkeeping of the warehouse. `ops.partition_writes` says which dates each model rewrote, in the
  same transaction as the rewrite; publishing copies just those. Write ids start at the microsecond
  the warehouse was made, so ids of two warehouses never meet.
#}
{% macro create_ops_tables() %}
    {% if execute and flags.WHICH in ("build", "run", "seed", "test") %}
        create schema if not exists ops;
        create sequence if not exists ops.write_ids start with {{ (modules.datetime.datetime.utcnow().timestamp() * 1000000) | int }};
        create table if not exists ops.partition_writes (
            write_id bigint, model varchar, from_date date, to_date date, written_at timestamp
        );
    {% endif %}
{% endmacro %}

{# Logs that `model` was written whole (both dates null) or between two date expressions. #}
{% macro log_partition_write(from_date="null", to_date="null", model_name=none) %}
    insert into ops.partition_writes
    select nextval('ops.write_ids'), '{{ model_name or model.name }}', {{ from_date }}, {{ to_date }}, now()::timestamp
{% endmacro %}

{#
  Predicate for generic tests: the part of the tested model that this run rewrote. Models that are
  rebuilt whole, and runs without a window, are tested whole.
#}
{% macro tested_window() %}
    {%- set tested = graph.nodes[model.attached_node].config.meta if execute and model.attached_node else {} -%}
    {%- if tested.get("reach") -%} {{ in_window(tested["partition_column"], tested["reach"]) }}
    {%- elif tested.get("touched_by") and arrival_window() -%}
        {%- set touched = graph.nodes["model.footfall." ~ tested["touched_by"]].relation_name -%}
        {%- set key = tested["touched_key"] | join(", ") -%}
        ({{ key }}) in (select ({{ key }}) from {{ touched }})
    {%- elif tested.get("days_of") and arrival_window() -%}
        exists (
            select 1
            from ops.partition_writes as writes
            where
                writes.model = '{{ graph.nodes[model.attached_node].name }}'
                and writes.written_at
                >= cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)
                and (
                    writes.from_date is null
                    or {{ tested["partition_column"] }} between writes.from_date and writes.to_date
                )
        )
    {%- else -%} true
    {%- endif -%}
{% endmacro %}

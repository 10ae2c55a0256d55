{#
  Predicate for generic tests: the part of the tested model that this run rewrote. Models that are
  rebuilt whole, and runs without a window, are tested whole.
#}
{% macro tested_window() %}
    {%- set tested = graph.nodes[model.attached_node].config.meta if execute and model.attached_node else {} -%}
    {%- if tested.get("reach") -%} {{ in_window(tested["partition_column"], tested["reach"]) }}
    {%- elif tested.get("partition_column") -%} {{ in_window(tested["partition_column"], "session_events") }}
    {%- else -%} true
    {%- endif -%}
{% endmacro %}

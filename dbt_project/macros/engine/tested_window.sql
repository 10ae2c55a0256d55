{#
  Predicate for generic tests: the part of the tested model that this run rewrote. Models that are
  rebuilt whole, and runs without a window, are tested whole.
#}
{% macro tested_window() %}
    {%- set tested = graph.nodes[model.attached_node].config.meta if execute and model.attached_node else {} -%}
    {%- if tested.get("reach") -%} {{ in_window(tested["partition_column"], tested["reach"]) }}
    {%- elif tested.get("refresh_class") == "touched keys" and arrival_window() -%}
        (shop_id, order_id) in (
            select (shop_id, order_id)
            from {{ graph.nodes["model.footfall.int_orders_touched"].relation_name }}
        )
    {%- else -%} true
    {%- endif -%}
{% endmacro %}

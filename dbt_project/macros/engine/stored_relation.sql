{#
  A model's table as an earlier run left it, none where there is none or where it is made anew. For a
  model that comes before it and asks what has changed since: a `ref` would close a circle.
#}
{% macro stored_relation(model_name) %}
    {% if not execute or flags.FULL_REFRESH %} {{ return(none) }} {% endif %}
    {% set node = graph.nodes["model." ~ project_name ~ "." ~ model_name] %}
    {{ return(adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias)) }}
{% endmacro %}

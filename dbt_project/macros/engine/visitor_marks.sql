{#
  Two numbers to sort visitors by instead of shop and visitor, whose text would take half as long again: two
  visitors of a warehouse's run are taken for one once in 10^24.
#}
{% macro visitor_marks() -%}
    {{ row_mark(["shop_id", "visitor_id"]) }}, {{ row_mark(["'.' || visitor_id"]) }}
{%- endmacro %}

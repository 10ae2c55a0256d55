{# What events say of a product, beside its id. #}
{% macro product_attributes() %}
    {{- return(["item_name", "item_category", "item_brand", "price_minor"]) -}}
{% endmacro %}

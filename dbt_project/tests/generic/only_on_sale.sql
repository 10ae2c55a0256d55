{# No product that the catalogue says is not on sale. #}
{% test only_on_sale(model, item) %}
    select listed.shop_id, listed.{{ item }}, count(*) as listed
    from {{ model }} as listed
    inner join
        {{ ref("dim_products") }} as products
        on products.shop_id = listed.shop_id
        and products.item_id = listed.{{ item }}
        and products.is_current
        and not products.is_active
    group by listed.shop_id, listed.{{ item }}
{% endtest %}

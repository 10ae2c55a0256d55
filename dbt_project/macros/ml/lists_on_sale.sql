{# Products as they are now; one that no catalogue speaks of is taken to be on sale. #}
{% macro products_now() %}
    select shop_id, item_id, item_name, item_category, coalesce(is_active, true) as is_on_sale
    from {{ ref("dim_products") }}
    where is_current
{% endmacro %}

{#
  Rows of ranked lists, without the products that the catalogue says are not on sale, and `place`, the rank that each
  of the others then has. `lists` are the columns that a list is known by beside the shop, `item` names the product;
  its name and category come as `listed_name` and `listed_category`. A model may have been asked before a product was
  withdrawn.
#}
{% macro lists_on_sale(rows, lists, item="item_id") %}
    with products as ({{ products_now() }})

    select
        listed.*,
        products.item_name as listed_name,
        products.item_category as listed_category,
        row_number() over (
            partition by listed.shop_id {% for column in lists %}, listed.{{ column }} {% endfor %}
            order by listed.rank
        ) as place
    from {{ rows }} as listed
    left join products on products.shop_id = listed.shop_id and products.item_id = listed.{{ item }}
    where coalesce(products.is_on_sale, true)
{% endmacro %}

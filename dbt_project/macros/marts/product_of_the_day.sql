{#
  What a product was on a day, for rows that do not say it themselves: the catalogue's word, else that of
  most events of the day. `product_ctes` are CTEs `catalogue` and `mentions` to join by
  `join_product_of_the_day`; `attribute_of_the_day` is what comes out of them, for an alias `rows`.
#}
{% macro product_ctes() %}
    catalogue as (
        select
            shop_id,
            item_id,
            item_category,
            item_brand,
            valid_from,
            lead(valid_from) over (partition by shop_id, item_id order by valid_from) as valid_to
        from {{ ref("int_catalogue_versions") }}
    ),

    mentions as (
        select shop_id, event_date, item_id, item_category, item_brand
        from {{ ref("int_product_days") }}
        where {{ in_written_days("event_date") }}
    ),
{% endmacro %}

{% macro join_product_of_the_day(rows, day) %}
    left join
        catalogue
        on catalogue.shop_id = {{ rows }}.shop_id
        and catalogue.item_id = {{ rows }}.item_id
        and catalogue.valid_from <= {{ day }}
        and (catalogue.valid_to is null or catalogue.valid_to > {{ day }})
    left join
        mentions
        on mentions.shop_id = {{ rows }}.shop_id
        and mentions.item_id = {{ rows }}.item_id
        and mentions.event_date = {{ day }}
{% endmacro %}

{% macro attribute_of_the_day(rows, attribute) -%}
    coalesce({{ rows }}.{{ attribute }}, catalogue.{{ attribute }}, mentions.{{ attribute }}, '(not set)')
{%- endmacro %}

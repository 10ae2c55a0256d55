{#
  The category of an item row, else what the same day's events say of the item; null where nothing does.
  `known_categories` is the query to join for it, of the items of a window of which some event names no category.
#}
{% macro item_category(event, products) -%}
    coalesce(nullif({{ event }}.item_category, ''), nullif({{ products }}.item_category, ''))
{%- endmacro %}

{% macro known_categories(stage, before=0, after=0) %}
    select products.shop_id, products.event_date, products.item_id, products.item_category
    from {{ ref("int_product_days") }} as products
    where
        products.item_category is not null
        and {{ in_window("products.event_date", stage, before, after) }}
        and exists (
            select 1
            from {{ ref("int_events") }} as events
            where
                events.item_category is null
                and events.item_id is not null
                and {{ in_event_window(stage, before, after, relation="events") }}
                and events.shop_id = products.shop_id
                and events.event_date = products.event_date
                and events.item_id = products.item_id
        )
{% endmacro %}

{% macro category_of_item(event, products) -%}
    {{ products }}.shop_id = {{ event }}.shop_id
    and {{ products }}.event_date = {{ event }}.event_date
    and {{ products }}.item_id = case when {{ event }}.item_category is null then {{ event }}.item_id end
{%- endmacro %}

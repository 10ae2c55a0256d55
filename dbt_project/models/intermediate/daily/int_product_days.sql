{{ config(materialized="view", meta={"refresh_class": "view"}) }}

select
    mentions.shop_id,
    mentions.event_date,
    mentions.item_id,
    {% for attribute in product_attributes() %}
        coalesce(disputes.{{ attribute }}, mentions.smallest_{{ attribute }}) as {{ attribute }},
    {% endfor %}
    mentions.currency,
    mentions.mentions
from {{ ref("int_product_mentions") }} as mentions
left join
    {{ ref("int_product_disputes") }} as disputes
    on disputes.shop_id = mentions.shop_id
    and disputes.event_date = mentions.event_date
    and disputes.item_id = mentions.item_id

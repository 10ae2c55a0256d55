{{
    config(
        materialized="incremental",
        incremental_strategy="replace_changed",
        meta={"refresh_class": "touched keys", "touched_by": "int_catalogue_items_touched", "touched_key": ["shop_id", "item_id"], "partition_column": "valid_from", "holds_onward": true, "key": ["shop_id", "item_id", "valid_from"]},
    )
}}

{#
  Since when a product is in a category and of a brand, as the shop's catalogue has it. A row holds until
  the product's next one; the end is not written here, so that a new version changes no older row, and
  what is summed up by category is summed up again from the day of the change on and no earlier.
#}
with
    versions as (
        select
            *,
            lag(valid_from) over (partition by shop_id, item_id order by valid_from) as previous_from,
            lag(item_category) over (partition by shop_id, item_id order by valid_from) as previous_category,
            lag(item_brand) over (partition by shop_id, item_id order by valid_from) as previous_brand
        from {{ ref("stg_product_versions") }}
        where (shop_id, item_id) in (select (shop_id, item_id) from {{ ref("int_catalogue_items_touched") }})
    )

select shop_id, item_id, valid_from, item_category, item_brand
from versions
where
    previous_from is null
    or item_category is distinct from previous_category
    or item_brand is distinct from previous_brand

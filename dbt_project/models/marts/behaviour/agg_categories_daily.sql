-- depends_on: {{ ref("int_item_days") }}
{{
    config(
        materialized="incremental",
        incremental_strategy="replace_written_days",
        meta={"refresh_class": "written days", "partition_column": "event_date", "days_of": ["int_item_days", "int_product_mentions", "int_product_disputes", "int_catalogue_versions", "int_cart_lines", "agg_user_daily", "fct_order_items"], "key": ["shop_id", "event_date", "item_category"]},
    )
}}

{{ product_measures("item_category") }}

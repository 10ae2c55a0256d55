-- depends_on: {{ ref("int_item_days") }}
{{
    config(
        materialized="incremental",
        incremental_strategy="replace_written_days",
        meta={"refresh_class": "written days", "partition_column": "event_date", "days_of": ["int_item_days", "int_cart_lines", "agg_user_daily", "fct_order_items"], "publish_by": "event_date", "key": ["shop_id", "event_date", "item_id"]},
    )
}}

{{ product_measures("item_id") }}

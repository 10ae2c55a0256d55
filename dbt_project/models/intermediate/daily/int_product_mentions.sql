{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "events"},
    )
}}

select
    shop_id,
    event_date,
    item_id,
    {% for attribute in product_attributes() %}
        min({{ attribute }}) as smallest_{{ attribute }}, max({{ attribute }}) as largest_{{ attribute }},
    {% endfor %}
    min(currency) as currency,
    count(*) as mentions
from {{ ref("int_events") }}
where item_id is not null and {{ in_event_window("events") }}
group by shop_id, event_date, item_id

{{
    config(
        materialized="incremental",
        incremental_strategy="overwrite_window",
        meta={"refresh_class": "window", "partition_column": "event_date", "reach": "deliveries"},
    )
}}

{%- set mark = row_mark(["shop_id", "event_id"]) -%}

with
    -- few ids come more than once: only their rows are ranked
    repeated as (
        select {{ mark }} as mark
        from {{ ref("stg_events") }}
        where
            not is_too_late and (item_index is null or item_index = 0) and {{ in_event_window("deliveries") }}
        group by {{ mark }}
        having count(*) > 1
    ),

    -- Of all deliveries of an event the one that arrived first counts, whole; unequal ones of the same
    -- day are told apart by content, never by load time or path. Of equal ones any will do. An event
    -- is delivered at most once by a load.
    ranked as (
        select
            shop_id,
            event_date,
            load_id,
            source_row,
            event_id,
            arrival_date,
            dense_rank() over (
                partition by shop_id, event_date, event_id
                order by arrival_date, content_hash, received_ts nulls last, load_id
            ) as delivery_rank
        from {{ ref("stg_events") }}
        where
            not is_too_late
            and {{ in_event_window("deliveries") }}
            and {{ mark }} in (select mark from repeated)
    )

-- the items of one record share its number
select distinct shop_id, event_date, load_id, source_row, event_id, arrival_date
from ranked
where delivery_rank > 1

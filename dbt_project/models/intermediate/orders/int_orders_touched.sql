{#
  The orders that this run must compute again. Read from the lake's files whatever their load's
  state: a key that only a superseded load knew must be touched too, so that it goes away.
#}
{{ config(materialized="table", meta={"refresh_class": "per run"}) }}

with
    from_events as (
        select distinct shop_id, order_id
        from {{ source("lake", "events") }}
        where event_name in ('purchase', 'refund', 'cancel_order') and {{ arrivals_behind("session_events") }}
    ),

    arrived_refunds as (
        select distinct shop_id, refund_id
        from {{ source("lake", "refunds") }}
        where {{ in_window("arrival_date", "arrivals") }}
    ),

    from_tables as (
        {% for table_name in ["orders", "order_items"] %}
            select shop_id, order_id
            from {{ source("lake", table_name) }}
            where {{ in_window("arrival_date", "arrivals") }}
            union
        {% endfor %}
        -- a later version may move a refund to another order: every order that any version named
        select versions.shop_id, versions.order_id
        from {{ source("lake", "refunds") }} as versions
        inner join
            arrived_refunds
            on arrived_refunds.shop_id = versions.shop_id
            and arrived_refunds.refund_id = versions.refund_id
    )

select shop_id, order_id
from from_events
union
select shop_id, order_id
from from_tables

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

    from_tables as (
        {% for table_name in ["orders", "order_items", "refunds"] %}
            select shop_id, order_id
            from {{ source("lake", table_name) }}
            where {{ in_window("arrival_date", "arrivals") }}
            {% if not loop.last %}
                union
            {% endif %}
        {% endfor %}
    )

select shop_id, order_id
from from_events
union
select shop_id, order_id
from from_tables

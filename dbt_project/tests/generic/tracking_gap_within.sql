{#
  The share of a shop's orders that no purchase event names stays within `max_tracking_gap`, over all days
  tested. From 50 orders on: of a handful, one swallowed hit would be a tenth.
#}
{% test tracking_gap_within(model) %}
    select shop_id, sum(table_orders) as table_orders, sum(untracked_orders) as untracked_orders
    from {{ model }} as audited
    where {{ tested_window() }}
    group by shop_id
    having
        sum(table_orders) >= 50
        and sum(untracked_orders) > {{ var("max_tracking_gap") }} * sum(table_orders)
        -- a shop that was never tracked has nothing to mend
        and exists (
            select 1
            from {{ ref("int_order_tracking") }} as tracking
            where tracking.shop_id = audited.shop_id and tracking.is_tracked
        )
{% endtest %}

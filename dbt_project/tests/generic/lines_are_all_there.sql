{#
  An order has as many lines as the order table, or one of its purchase events, states for it: no line was
  lost or counted twice, and no order lost all of its lines.
#}
{% test lines_are_all_there(model) %}
    with
        sold as (
            select shop_id, order_id, count(*) as line_count
            from {{ model }}
            where line_type = 'purchase' and {{ tested_window() }}
            group by shop_id, order_id
        ),

        -- a line is whatever names, prices or places something
        hits as (
            select
                shop_id,
                order_id,
                count(
                    case
                        when
                            item_id is not null
                            or item_index is not null
                            or item_name is not null
                            or price_minor is not null
                        then 1
                    end
                ) as line_count
            from {{ ref("int_order_events") }}
            where event_name = 'purchase' and {{ tested_window() }}
            group by shop_id, order_id, event_date, event_id
        ),

        stated as (
            select shop_id, order_id, 'tables' as order_source, count(distinct line_number) as line_count
            from {{ ref("stg_order_items") }}
            where {{ tested_window() }}
            group by shop_id, order_id

            union all

            select shop_id, order_id, 'events' as order_source, line_count
            from hits
        ),

        orders as (
            select shop_id, order_id, order_source
            from {{ ref("fct_orders") }}
            where has_purchase and {{ tested_window() }}
        ),

        counted as (
            select
                orders.shop_id,
                orders.order_id,
                min(sold.line_count) as line_count,
                max(stated.line_count) as most_stated,
                -- nothing stated is no lines
                max(
                    case when coalesce(stated.line_count, 0) = coalesce(sold.line_count, 0) then 1 else 0 end
                ) as is_stated
            from orders
            left join sold on sold.shop_id = orders.shop_id and sold.order_id = orders.order_id
            left join
                stated
                on stated.shop_id = orders.shop_id
                and stated.order_id = orders.order_id
                and stated.order_source = orders.order_source
            group by orders.shop_id, orders.order_id
        )

    select *
    from counted
    where is_stated = 0
{% endtest %}

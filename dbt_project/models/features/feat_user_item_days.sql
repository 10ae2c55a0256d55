{#
  Point-in-time, as feat_customer_days: the user is the customer named on the day, else the visitor (a later
  log-in changes nothing), a visitor is a bot by the day's own rules, an order counts on the day it was placed,
  whatever became of it: it was wanted.
#}
{{
    config(
        schema="features",
        materialized="incremental",
        incremental_strategy="replace_written_days",
        contract={"enforced": true},
        on_schema_change="fail",
        meta={"refresh_class": "written days", "partition_column": "event_date", "days_of": ["int_visitor_item_days", "int_visitor_days", "fct_order_items", "fct_orders"], "key": ["shop_id", "event_date", "user_id", "item_id"]},
    )
}}

with
    people as (
        select shop_id, event_date, visitor_id, customer_id
        from {{ ref("int_visitor_days") }}
        where not (is_program or is_round_the_clock or is_in_swarm) and {{ in_written_days("event_date") }}
    ),

    looked as (
        select
            days.shop_id,
            days.event_date,
            coalesce('customer:' || people.customer_id, days.visitor_id) as user_id,
            days.item_id,
            days.views,
            days.wishlist_adds,
            days.cart_adds,
            cast(0 as bigint) as purchases,
            days.last_event_ts
        from {{ ref("int_visitor_item_days") }} as days
        inner join
            people
            on people.shop_id = days.shop_id
            and people.event_date = days.event_date
            and people.visitor_id = days.visitor_id
        where
            days.item_id is not null
            and days.views + days.wishlist_adds + days.cart_adds > 0
            and {{ in_written_days("days.event_date") }}
    ),

    bought as (
        select distinct
            lines.shop_id,
            lines.line_date as event_date,
            coalesce('customer:' || lines.customer_id, orders.visitor_id) as user_id,
            lines.item_id,
            lines.order_id,
            lines.line_ts
        from {{ ref("fct_order_items") }} as lines
        inner join
            {{ ref("fct_orders") }} as orders
            on orders.shop_id = lines.shop_id
            and orders.order_id = lines.order_id
            and orders.order_date = lines.line_date
        where
            lines.line_type = 'purchase'
            and lines.item_id is not null
            and coalesce(lines.customer_id, orders.visitor_id) is not null
            and {{ in_written_days("lines.line_date") }}
            and {{ in_written_days("orders.order_date") }}
    ),

    interactions as (
        select *
        from looked
        union all
        select
            shop_id,
            event_date,
            user_id,
            item_id,
            cast(0 as bigint) as views,
            cast(0 as bigint) as wishlist_adds,
            cast(0 as bigint) as cart_adds,
            count(*) as purchases,
            max(line_ts) as last_event_ts
        from bought
        group by shop_id, event_date, user_id, item_id
    )

select
    shop_id,
    event_date,
    user_id,
    item_id,
    cast(sum(views) as bigint) as views,
    cast(sum(wishlist_adds) as bigint) as wishlist_adds,
    cast(sum(cart_adds) as bigint) as cart_adds,
    cast(sum(purchases) as bigint) as purchases,
    max(last_event_ts) as last_event_ts
from interactions
group by shop_id, event_date, user_id, item_id

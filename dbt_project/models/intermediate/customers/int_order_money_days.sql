{#
  What was known of each order at the end of each day on which something happened to it, as changes from
  the day before: nothing that came later is in a row. fct_orders and int_order_movements state an order
  as it is known today (a reload with a greater worth, a later version of its row, a refund that makes an
  earlier one too much all reach back); features for models may not. Summed over all days both agree,
  but for later versions of table rows.

  Worth so far is the greatest stated by then; taken back so far is what was asked, at most the worth so
  far, or all of it once something took all. Of the rows of shop tables the first version counts, on the
  order's or the refund's own day; a cancellation counts when a version first says so.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="replace_touched",
        meta={"refresh_class": "touched keys", "touched_by": "int_orders_touched", "touched_key": ["shop_id", "order_id"], "partition_column": "movement_date"},
    )
}}

with
    shops as (select * from {{ ref("stg_shops") }}),

    order_events as (select * from {{ ref("int_order_events_touched") }} where orders_from = 'events'),

    event_units as (
        select shop_id, event_date, event_id, cast(sum(quantity) as bigint) as units
        from order_events
        where is_line
        group by shop_id, event_date, event_id
    ),

    order_versions as (
        select
            *,
            row_number() over (
                partition by shop_id, order_id order by updated_at, content_hash
            ) as version_number
        from ({{ touched_rows(ref("stg_orders")) }}) as versions
    ),

    line_versions as (
        select
            *,
            row_number() over (
                partition by shop_id, order_id, line_number order by updated_at, content_hash
            ) as version_number
        from ({{ touched_rows(ref("stg_order_items")) }}) as versions
    ),

    table_units as (
        select shop_id, order_id, cast(sum(quantity) as bigint) as units
        from line_versions
        where version_number = 1
        group by shop_id, order_id
    ),

    all_refunds as (select * from {{ ref("stg_refunds") }}),

    -- a later version may have moved a refund to another order: all versions of a refund that a touched
    -- order is
    -- named in are numbered, no others
    touched_refunds as (
        select distinct shop_id, refund_id from ({{ touched_rows("all_refunds") }}) as touched_versions
    ),

    first_versions as (
        select *
        from
            (
                select
                    all_refunds.*,
                    row_number() over (
                        partition by all_refunds.shop_id, all_refunds.refund_id
                        order by all_refunds.updated_at, all_refunds.content_hash
                    ) as version_number
                from all_refunds
                inner join
                    touched_refunds
                    on touched_refunds.shop_id = all_refunds.shop_id
                    and touched_refunds.refund_id = all_refunds.refund_id
            ) as numbered
        where version_number = 1
    ),

    first_refunds as ({{ touched_rows("first_versions") }}),

    moments as (
        select
            events.shop_id,
            events.order_id,
            events.event_name || ':' || events.event_id as moment_id,
            case events.event_name when 'purchase' then 1 when 'refund' then 2 else 3 end as kind,
            events.event_ts as moved_at,
            events.event_date as movement_date,
            events.customer_id,
            events.currency,
            case when events.event_name = 'purchase' then events.value_minor end as worth_minor,
            case when events.event_name = 'refund' then abs(events.value_minor) end as asked_minor,
            events.event_name = 'cancel_order'
            or (
                events.event_name = 'refund' and events.value_minor is null and not events.is_line
            ) as takes_all,
            events.coupon is not null or coalesce(events.event_discount_minor, 0) > 0 as is_discounted,
            events.event_discount_minor as discount_minor,
            event_units.units
        from order_events as events
        left join
            event_units
            on event_units.shop_id = events.shop_id
            and event_units.event_date = events.event_date
            and event_units.event_id = events.event_id
        where events.is_event_head

        union all

        select
            versions.shop_id,
            versions.order_id,
            'order' as moment_id,
            1 as kind,
            versions.ordered_at as moved_at,
            versions.order_date as movement_date,
            versions.customer_id,
            versions.currency,
            versions.value_minor as worth_minor,
            cast(null as bigint) as asked_minor,
            false as takes_all,
            versions.coupon is not null or coalesce(versions.discount_minor, 0) > 0 as is_discounted,
            versions.discount_minor,
            table_units.units
        from order_versions as versions
        inner join shops on shops.shop_id = versions.shop_id and shops.orders_from = 'tables'
        left join
            table_units on table_units.shop_id = versions.shop_id and table_units.order_id = versions.order_id
        where versions.version_number = 1

        union all

        select
            versions.shop_id,
            versions.order_id,
            'cancelled' as moment_id,
            3 as kind,
            min(coalesce(versions.cancelled_at, versions.updated_at)) as moved_at,
            {{ local_date("min(coalesce(versions.cancelled_at, versions.updated_at))", "min(shops.timezone)") }}
            as movement_date,
            cast(null as varchar) as customer_id,
            cast(null as varchar) as currency,
            cast(null as bigint) as worth_minor,
            cast(null as bigint) as asked_minor,
            true as takes_all,
            false as is_discounted,
            cast(null as bigint) as discount_minor,
            cast(null as bigint) as units
        from order_versions as versions
        inner join shops on shops.shop_id = versions.shop_id and shops.orders_from = 'tables'
        where versions.status = 'cancelled' or versions.cancelled_at is not null
        group by versions.shop_id, versions.order_id

        union all

        select
            refunds.shop_id,
            refunds.order_id,
            'refund:' || refunds.refund_id as moment_id,
            2 as kind,
            refunds.refunded_at as moved_at,
            refunds.refund_date as movement_date,
            cast(null as varchar) as customer_id,
            refunds.currency,
            cast(null as bigint) as worth_minor,
            abs(refunds.value_minor) as asked_minor,
            refunds.value_minor is null and refunds.line_number is null as takes_all,
            false as is_discounted,
            cast(null as bigint) as discount_minor,
            cast(null as bigint) as units
        from first_refunds as refunds
        inner join shops on shops.shop_id = refunds.shop_id and shops.orders_from = 'tables'
    ),

    {%- set so_far %}
        partition by moments.shop_id, moments.order_id
        order by moments.moved_at, moments.kind, moments.moment_id, moments.movement_date
        rows between unbounded preceding and current row
    {%- endset %}

    known as (
        select
            moments.*,
            first_value(moments.customer_id ignore nulls) over ({{ so_far }}) as buyer_id,
            max(moments.worth_minor) over ({{ so_far }}) as worth_so_far,
            first_value(case when moments.kind = 1 then moments.currency end ignore nulls) over (
                {{ so_far }}
            ) as order_currency,
            max(case when moments.takes_all then 1 else 0 end) over ({{ so_far }}) as took_all,
            count(case when moments.kind = 1 then 1 end) over ({{ so_far }}) as purchases_so_far,
            count(case when moments.kind = 3 then 1 end) over ({{ so_far }}) as cancellations_so_far,
            shops.currency as shop_currency
        from moments
        inner join shops on shops.shop_id = moments.shop_id
    ),

    -- without a rate table an amount in another currency says nothing about what is left
    asked as (
        select
            *,
            sum(
                case
                    when currency = coalesce(order_currency, currency) then coalesce(asked_minor, 0) else 0
                end
            ) over (
                partition by shop_id, order_id
                order by moved_at, kind, moment_id, movement_date
                rows between unbounded preceding and current row
            ) as asked_so_far
        from known
    ),

    -- a refund whose purchase is not known yet stands alone; of an order of unknown worth so are its refunds
    settled as (
        select
            *,
            case when purchases_so_far = 0 then 0 else worth_so_far end as stated_minor,
            case
                when purchases_so_far = 0
                then asked_so_far
                when worth_so_far is null
                then 0
                when took_all = 1
                then greatest(worth_so_far, 0)
                else least(asked_so_far, greatest(worth_so_far, 0))
            end as taken_minor
        from asked
    ),

    changes as (
        select
            *,
            coalesce(order_currency, currency) = shop_currency as is_counted,
            {% for amount in ["stated_minor", "taken_minor"] %}
                {{ amount }} - coalesce(
                    lag({{ amount }}) over (
                        partition by shop_id, order_id order by moved_at, kind, moment_id, movement_date
                    ),
                    0
                ) as {{ amount }}_change {{ "," if not loop.last }}
            {% endfor %}
        from settled
    )

select
    shop_id,
    order_id,
    movement_date,
    buyer_id as customer_id,
    count(case when kind = 1 and purchases_so_far = 1 then 1 end) as orders_placed,
    count(case when kind = 1 and purchases_so_far = 1 and is_discounted then 1 end) as orders_discounted,
    count(case when kind = 3 and cancellations_so_far = 1 then 1 end) as orders_cancelled,
    count(
        case when kind = 1 and purchases_so_far = 1 and worth_minor is null then 1 end
    ) as orders_of_unknown_value,
    cast(sum(case when kind = 1 and purchases_so_far = 1 then units end) as bigint) as units,
    cast(
        sum(case when is_counted and kind = 1 and purchases_so_far = 1 then discount_minor end) as bigint
    ) as discount_minor,
    cast(sum(case when is_counted then stated_minor_change end) as bigint) as gross_minor,
    cast(sum(case when is_counted then taken_minor_change end) as bigint) as refund_minor
from changes
group by shop_id, order_id, movement_date, buyer_id

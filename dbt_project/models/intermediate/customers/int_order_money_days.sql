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
-- depends_on: {{ ref("int_orders_touched") }}
{{
    config(
        materialized="incremental",
        incremental_strategy="replace_touched",
        meta={"refresh_class": "touched keys", "touched_by": "int_orders_touched", "touched_key": ["shop_id", "order_id"], "partition_column": "movement_date"},
    )
}}

with
    shops as (select * from {{ ref("stg_shops") }}),

    moments as (select * from {{ ref("int_order_moments") }}),

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

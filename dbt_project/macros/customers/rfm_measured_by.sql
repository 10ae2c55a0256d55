{#
  Recency, frequency and money of every customer as known at the end of each day of `as_ofs` (shop_id,
  as_of): orders placed by then, standing by then, and the money that had moved by then. `shops` has
  shop_id and currency. What customer_rfm measures of today, asked of any day.
#}
{% macro rfm_measured_by(as_ofs, shops) %}
    with
        movements as (
            select
                shop_id,
                order_id,
                movement_date,
                movement_type,
                amount_minor,
                takes_all,
                max(case when movement_type = 'purchase' then amount_minor end) over (
                    partition by shop_id, order_id
                ) as worth_minor,
                bool_or(movement_type = 'purchase' and amount_minor is null) over (
                    partition by shop_id, order_id
                ) as is_worth_unknown,
                -- all that was taken back by the end of the movement's day
                sum(case when movement_type <> 'purchase' then - amount_minor end) over (
                    partition by shop_id, order_id
                    order by movement_date
                    range between unbounded preceding and current row
                ) as taken_minor
            from {{ ref("int_order_movements") }}
        ),

        orders as (
            select
                orders.shop_id,
                orders.order_id,
                orders.customer_id,
                orders.currency = shops.currency as is_counted
            from {{ ref("fct_orders") }} as orders
            inner join {{ shops }} as shops on shops.shop_id = orders.shop_id
            where orders.customer_id is not null
        ),

        -- when an order began to stand, and when it ceased to
        standing as (
            select
                shop_id,
                order_id,
                min(case when movement_type = 'purchase' then movement_date end) as order_date,
                min(
                    case
                        when
                            movement_type = 'cancellation'
                            or (movement_type = 'refund' and takes_all)
                            or (taken_minor > 0 and taken_minor >= worth_minor)
                        then movement_date
                    end
                ) as ends_on
            from movements
            group by shop_id, order_id
        ),

        entries as (
            select
                shop_id,
                order_id,
                order_date as from_date,
                ends_on,
                true as is_order,
                cast(null as bigint) as money_minor
            from standing
            where order_date is not null

            union all

            -- the money of an order of unknown worth is unknown, refunds or not
            select
                shop_id,
                order_id,
                movement_date as from_date,
                cast(null as date) as ends_on,
                false as is_order,
                case when not is_worth_unknown then coalesce(amount_minor, 0) end as money_minor
            from movements
        ),

        measured as (
            select
                entries.shop_id,
                as_ofs.as_of,
                orders.customer_id,
                max(
                    case when is_order and (ends_on is null or ends_on > as_ofs.as_of) then from_date end
                ) as last_order_date,
                count(
                    case when is_order and (ends_on is null or ends_on > as_ofs.as_of) then 1 end
                ) as frequency,
                cast(sum(case when orders.is_counted then money_minor end) as bigint) as monetary_minor
            from entries
            inner join orders on orders.shop_id = entries.shop_id and orders.order_id = entries.order_id
            inner join
                {{ as_ofs }} as as_ofs
                on as_ofs.shop_id = entries.shop_id
                and entries.from_date <= as_ofs.as_of
            group by entries.shop_id, as_ofs.as_of, orders.customer_id
        )

    select
        measured.shop_id,
        measured.as_of,
        measured.customer_id,
        measured.last_order_date,
        cast({{ days_between("measured.last_order_date", "measured.as_of") }} as bigint) as recency_days,
        measured.frequency,
        measured.monetary_minor,
        shops.currency
    from measured
    inner join {{ shops }} as shops on shops.shop_id = measured.shop_id
    where measured.frequency > 0
{% endmacro %}

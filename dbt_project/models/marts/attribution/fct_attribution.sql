-- depends_on: {{ ref("int_attribution_touched") }}
{{
    config(
        materialized="incremental",
        incremental_strategy="replace_changed",
        tags=["whole"],
        meta={"refresh_class": "touched keys", "touched_by": "int_attribution_touched", "touched_key": ["shop_id", "order_id"], "partition_column": "order_date", "publish_by": "order_date", "key": ["shop_id", "order_id", "attribution_model", "touch_number"]},
    )
}}

{%- set half_life_us = var("attribution_half_life_days") * 86400000000 -%}

with
    touches as (
        select
            *,
            max(touch_started_at) over (partition by shop_id, order_id) as last_started_at,
            max(case when channel_group <> 'Direct' then touch_number end) over (
                partition by shop_id, order_id
            ) as last_non_direct_touch
        from {{ ref("int_attribution_touches") }}
    ),

    -- 1 for the newest touch, half for each half-life before it; in whole numbers that sum to a thousand
    -- million at most, so that every machine sums and rounds them alike
    decaying as (
        select
            *,
            coalesce(
                cast(
                    round(
                        power(
                            2.0,
                            ({{ epoch_us("touch_started_at") }} - {{ epoch_us("last_started_at") }})
                            / cast({{ half_life_us }} as double)
                        )
                        * {{ whole_division(1000000000, "greatest(touches, 1)") }},
                        0
                    ) as bigint
                ),
                1
            ) as weight
        from touches
    ),

    weighed as (
        select
            *,
            -- less than a millionth of an order is nothing
            case
                when weight * 1000000 >= sum(weight) over (partition by shop_id, order_id) then weight else 0
            end as decayed
        from decaying
    ),

    summed as (
        select
            *,
            cast(
                sum(decayed) over (
                    partition by shop_id, order_id
                    order by touch_number
                    rows between unbounded preceding and current row
                ) as bigint
            ) as running_decayed,
            cast(sum(decayed) over (partition by shop_id, order_id) as bigint) as total_decayed
        from weighed
    ),

    models as (
        {% for model in attribution_models() %}
            select '{{ model }}' as attribution_model {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    -- the touch's part of the order, and the parts up to and with it
    parts as (
        select
            summed.*,
            models.attribution_model,
            case when models.attribution_model = 'time_decay' then decayed else cast(1 as bigint) end as part,
            case
                when models.attribution_model = 'time_decay'
                then running_decayed
                when models.attribution_model = 'linear'
                then greatest(touch_number, 1)
                else cast(1 as bigint)
            end as running,
            case
                when models.attribution_model = 'time_decay'
                then total_decayed
                when models.attribution_model = 'linear'
                then greatest(touches, 1)
                else cast(1 as bigint)
            end as whole
        from summed
        cross join models
        where
            (models.attribution_model = 'first' and touch_number <= 1)
            or (models.attribution_model = 'last' and touch_number = touches)
            or (
                models.attribution_model = 'last_non_direct'
                and touch_number = coalesce(last_non_direct_touch, touches)
            )
            or models.attribution_model = 'linear'
            or (models.attribution_model = 'time_decay' and decayed > 0)
    ),

    shared as (
        select
            *,
            {{ running_share(1000000, "running", "whole") }}
            - {{ running_share(1000000, "running - part", "whole") }} as millionths,
            {{ running_share("abs(net_revenue_minor)", "running", "whole") }}
            - {{ running_share("abs(net_revenue_minor)", "running - part", "whole") }} as amount_minor
        from parts
    )

select
    shop_id,
    order_id,
    order_date,
    ordered_at,
    attribution_model,
    person_id,
    is_known_person,

    -- the touch
    session_id,
    touch_number,
    touches,
    touch_started_at,
    {{ ratio(epoch_us("ordered_at") ~ " - " ~ epoch_us("touch_started_at"), "3600000000", 2) }}
    as hours_before_order,
    channel_group,
    traffic_source,
    traffic_medium,
    utm_campaign,

    -- what it is credited with
    cast(millionths / cast(1000000 as decimal(18, 6)) as decimal(18, 6)) as credit,
    currency,
    cast(case when net_revenue_minor < 0 then - amount_minor else amount_minor end as bigint) as credit_minor
from shared

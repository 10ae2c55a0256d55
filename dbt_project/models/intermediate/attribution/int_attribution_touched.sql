{#
  The orders whose credits this run computes again: everything that has changed since `fct_attribution` was
  last written, whichever run changed it, so that a run that died leaves nothing stale to the next.
#}
-- depends_on: {{ ref("fct_sessions") }}
-- depends_on: {{ ref("dim_identities") }}
{{ config(materialized="table", tags=["whole"], meta={"refresh_class": "per run"}) }}

{%- set credited = stored_relation("fct_attribution") -%}
{%- set known_devices = stored_relation("int_attribution_identities") -%}
{%- set days = attribution_window_days() -%}
{%- set order_days, session_days = none, none -%}
{%- if credited and known_devices -%}
    {%- set order_days = spans_written(["fct_orders"], "fct_attribution") -%}
    {%- set session_days = spans_written(["fct_sessions"], "fct_attribution") -%}
{%- endif -%}

{% if order_days is none or session_days is none %}

    {% if credited %}
        select shop_id, order_id
        from {{ credited }}
        union
    {% endif %}
    select shop_id, order_id
    from {{ ref("fct_orders") }}
    where has_purchase

{% else %}

    with
        placed as (select * from {{ ref("fct_orders") }} where has_purchase),

        identities as (
            select shop_id, anonymous_id, customer_id from {{ ref("dim_identities") }} where is_merged
        ),

        rewritten as (
            select
                placed.*,
                {{ person_id("placed", "identities") }} as person_id,
                coalesce(placed.customer_id, identities.customer_id) is not null as is_known_person,
                {{ in_spans("placed.order_date", order_days) }} as may_have_changed,
                -- a day of slack on either side, for clocks that go back over midnight
                {{ in_spans("placed.order_date", session_days, 1, days + 1) }} as may_have_other_touches
            from placed
            left join
                identities
                on identities.shop_id = placed.shop_id
                and identities.anonymous_id = placed.visitor_id
            where
                {{ in_spans("placed.order_date", order_days) }}
                or {{ in_spans("placed.order_date", session_days, 1, days + 1) }}
        ),

        -- orders that are new, gone, or not what they were; model `last` credits each exactly once
        orders_now as (select * from rewritten where may_have_changed),

        orders_then as (
            select
                shop_id,
                order_id,
                ordered_at,
                order_date,
                currency,
                credit_minor as net_revenue_minor,
                person_id,
                is_known_person
            from {{ credited }}
            where attribution_model = 'last' and {{ in_spans("order_date", order_days) }}
        ),

        changed_orders as (
            select
                coalesce(orders_now.shop_id, orders_then.shop_id) as shop_id,
                coalesce(orders_now.order_id, orders_then.order_id) as order_id
            from orders_now
            full join
                orders_then
                on orders_then.shop_id = orders_now.shop_id
                and orders_then.order_id = orders_now.order_id
            where
                orders_now.order_id is null or orders_then.order_id is null
                {% for column in ["ordered_at", "order_date", "currency", "net_revenue_minor", "person_id", "is_known_person"] %}
                    or orders_now.{{ column }} is distinct from orders_then.{{ column }}
                {% endfor %}
        ),

        -- orders that won or lost a touch, or one of whose touches has another origin: of the touches that
        -- began on rewritten days (by UTC, hence the slack) those found now and those that were credited
        orders as (select * from rewritten where may_have_other_touches),

        sessions as (
            select *
            from {{ ref("fct_sessions") }}
            where
                not is_bot
                and {{ in_spans("session_date", session_days, 2, 2) }}
                and {{ in_spans("cast(session_start_ts as date)", session_days, 1, 1) }}
        ),

        {{ touch_ctes() }},

        touches_then as (
            select shop_id, order_id, session_id, channel_group, traffic_source, traffic_medium, utm_campaign
            from {{ credited }}
            where
                attribution_model = 'linear'
                and {{ in_spans("order_date", session_days, 1, days + 1) }}
                and {{ in_spans("cast(touch_started_at as date)", session_days, 1, 1) }}
        ),

        changed_touches as (
            select
                coalesce(touches.shop_id, touches_then.shop_id) as shop_id,
                coalesce(touches.order_id, touches_then.order_id) as order_id
            from touches
            full join
                touches_then
                on touches_then.shop_id = touches.shop_id
                and touches_then.order_id = touches.order_id
                and touches_then.session_id = touches.session_id
            where
                touches.order_id is null or touches_then.order_id is null
                {% for column in ["channel_group", "traffic_source", "traffic_medium", "utm_campaign"] %}
                    or touches.{{ column }} is distinct from touches_then.{{ column }}
                {% endfor %}
        ),

        -- devices that are another customer's than when orders were credited
        changed_devices as (
            select
                coalesce(identities.shop_id, known.shop_id) as shop_id,
                coalesce(identities.anonymous_id, known.anonymous_id) as anonymous_id,
                identities.customer_id as customer_now,
                known.customer_id as customer_then
            from identities
            full join
                {{ known_devices }} as known
                on known.shop_id = identities.shop_id
                and known.anonymous_id = identities.anonymous_id
            where identities.customer_id is distinct from known.customer_id
        ),

        changed_customers as (
            select shop_id, customer_now as customer_id
            from changed_devices
            where customer_now is not null
            union
            select shop_id, customer_then as customer_id
            from changed_devices
            where customer_then is not null
        ),

        -- and every other device of these customers, on which they may have bought without a name
        concerned_devices as (
            select shop_id, anonymous_id
            from changed_devices
            union
            select identities.shop_id, identities.anonymous_id
            from identities
            inner join
                changed_customers
                on changed_customers.shop_id = identities.shop_id
                and changed_customers.customer_id = identities.customer_id
        )

    select shop_id, order_id
    from changed_orders
    union
    select shop_id, order_id
    from changed_touches
    union
    select placed.shop_id, placed.order_id
    from placed
    inner join
        changed_customers
        on changed_customers.shop_id = placed.shop_id
        and changed_customers.customer_id = placed.customer_id
    union
    select placed.shop_id, placed.order_id
    from placed
    inner join
        concerned_devices
        on concerned_devices.shop_id = placed.shop_id
        and concerned_devices.anonymous_id = placed.visitor_id
    where placed.customer_id is null
{% endif %}

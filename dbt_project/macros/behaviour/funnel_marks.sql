{#
  The funnel's order, for each key (`keys` and a category, '' for the whole) that has a step after the view.
  `entries`: keys, category, first_view_ts (null without a view), closes_ts (null without a limit);
  `steps`: keys, category, step, step_ts, all that lie in the key's scope.
  A step passes at or after the step before it; events of the same microsecond are in order, whichever came
  first. A purchase passes the check-out even where the log shows none.
#}
{% macro funnel_marks(keys, entries, steps) %}
    {%- set columns = keys + ["category"] -%}
    {%- set in_time = "steps.step_ts <= coalesce(entries.closes_ts, steps.step_ts)" -%}
    select
        {{ columns | join(", ") }},
        first_view_ts is not null as is_viewed,
        coalesce(first_cart_ts is not null, false) as is_carted,
        coalesce(last_checkout_ts >= first_cart_ts, false)
        or coalesce(last_purchase_ts >= first_cart_ts, false) as is_checked_out,
        coalesce(last_purchase_ts >= first_cart_ts, false) as is_purchased,
        has_cart,
        has_checkout or has_purchase as has_checkout,
        has_purchase
    from
        (
            select
                {% for column in columns %} steps.{{ column }}, {% endfor %}
                entries.first_view_ts,
                min(
                    case
                        when steps.step = 'cart' and steps.step_ts >= entries.first_view_ts and {{ in_time }}
                        then steps.step_ts
                    end
                ) as first_cart_ts,
                max(
                    case when steps.step = 'checkout' and {{ in_time }} then steps.step_ts end
                ) as last_checkout_ts,
                max(
                    case when steps.step = 'purchase' and {{ in_time }} then steps.step_ts end
                ) as last_purchase_ts,
                bool_or(steps.step = 'cart') as has_cart,
                bool_or(steps.step = 'checkout') as has_checkout,
                bool_or(steps.step = 'purchase') as has_purchase
            from {{ steps }} as steps
            left join
                {{ entries }} as entries
                on {% for column in columns %}
                    entries.{{ column }} = steps.{{ column }} {{ "and" if not loop.last }}
                {% endfor %}
            group by {% for column in columns %} steps.{{ column }}, {% endfor %} entries.first_view_ts
        ) as passed
{% endmacro %}

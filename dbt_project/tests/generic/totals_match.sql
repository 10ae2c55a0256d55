{#
  Per shop and day the model's columns add up to what another relation says: `sums` maps each column to an
  expression over the rows of `to` (alias `rows`, the shop's settings beside it as `shops`). Days that only
  one side knows are compared too. `people_only` leaves out rows of visitors who are bots on the day.
#}
{% test totals_match(model, day, sums, to, to_day, where="true", to_where="true", people_only=false) %}
    with
        ours as (
            select
                shop_id,
                {{ day }} as day
                {% for column in sums %}, sum({{ column }}) as {{ column }} {% endfor %}
            from {{ model }}
            where {{ tested_window() }} and {{ where }}
            group by shop_id, {{ day }}
        ),

        their_rows as (
            select
                rows.shop_id,
                rows.{{ to_day }} as {{ day }}
                {% for column, expression in sums.items() %}, {{ expression }} as {{ column }} {% endfor %}
            from {{ to }} as rows
            inner join {{ ref("stg_shops") }} as shops on shops.shop_id = rows.shop_id
            where
                {{ to_where }}
                {% if people_only %}
                    and not exists (
                        select 1
                        from {{ ref("agg_user_daily") }} as bots
                        where
                            bots.is_bot
                            and bots.shop_id = rows.shop_id
                            and bots.event_date = rows.{{ to_day }}
                            and bots.visitor_id = rows.visitor_id
                    )
                {% endif %}
        ),

        theirs as (
            select
                shop_id,
                {{ day }} as day
                {% for column in sums %}, sum({{ column }}) as {{ column }} {% endfor %}
            from their_rows
            where {{ tested_window() }}
            group by shop_id, {{ day }}
        )

    select
        coalesce(ours.shop_id, theirs.shop_id) as shop_id,
        coalesce(ours.day, theirs.day) as day
        {% for column in sums %}
            , ours.{{ column }} as {{ column }}, theirs.{{ column }} as {{ column }}_elsewhere
        {% endfor %}
    from ours
    full join theirs on theirs.shop_id = ours.shop_id and theirs.day = ours.day
    where
        {% for column in sums %}
            coalesce(ours.{{ column }}, 0) <> coalesce(theirs.{{ column }}, 0) {{ "or" if not loop.last }}
        {% endfor %}
{% endtest %}

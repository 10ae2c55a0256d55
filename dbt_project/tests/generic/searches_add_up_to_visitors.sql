{# The terms of a day hold all searches of people, once. #}
{% test searches_add_up_to_visitors(model) %}
    with
        terms as (
            select shop_id, search_date as event_date, sum(searches) as searches
            from {{ model }}
            where {{ tested_window() }}
            group by shop_id, search_date
        ),

        days as (
            select shop_id, event_date, sum(searches) as searches
            from {{ ref("agg_user_daily") }}
            where not is_bot and searches > 0 and {{ in_window("event_date", "session_events") }}
            group by shop_id, event_date
        )

    select shop_id, event_date, terms.searches, days.searches as searches_of_visitors
    from terms
    full join days using (shop_id, event_date)
    where terms.searches is distinct from days.searches
{% endtest %}

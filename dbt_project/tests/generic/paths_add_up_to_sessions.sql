{#
  Of every day: category to category there are as many transitions as product views and sessions with one
  (each view is come to, and each session is left); and as many sessions enter as leave each kind, of
  pages those that have one, where no path was pooled.
#}
{% test paths_add_up_to_sessions(model) %}
    with
        paths as (
            select
                shop_id,
                path_date,
                path_kind,
                sum(transitions) as transitions,
                sum(case when from_value = '(entrance)' then transitions else 0 end) as entrances,
                sum(case when to_value = '(exit)' then transitions else 0 end) as exits,
                sum(case when from_value = '(other)' and to_value = '(other)' then 1 else 0 end)
                > 0 as is_pooled
            from {{ model }}
            where {{ tested_window() }}
            group by shop_id, path_date, path_kind
        ),

        expected as (
            {% for kind, stops in {"category": "product_views > 0", "page": "landing_page is not null"}.items() %}
                select
                    shop_id,
                    session_date as path_date,
                    '{{ kind }}' as path_kind,
                    count(*) as sessions,
                    sum(product_views) + count(*) as transitions
                from {{ ref("fct_sessions") }}
                where not is_bot and {{ stops }} and {{ in_window("session_date", "sessions") }}
                group by shop_id, session_date {{ "union all" if not loop.last }}
            {% endfor %}
        )

    select shop_id, path_date, path_kind, paths.transitions, expected.transitions as expected_transitions
    from paths
    full join expected using (shop_id, path_date, path_kind)
    where
        paths.shop_id is null
        or expected.shop_id is null
        or path_kind = 'category'
        and paths.transitions <> expected.transitions
        or paths.entrances > expected.sessions
        or not paths.is_pooled
        and (paths.entrances <> expected.sessions or paths.exits <> expected.sessions)
{% endtest %}

{#
  Every session of people that comes to its n-th event is there, and what it had done by then it has done in the end:
  no count is greater than the whole session's, and all are equal where nothing came after.
#}
{% test starts_agree_with_sessions(model) %}
    {%- set counts = [
        "events",
        "page_views",
        "product_views",
        "searches",
        "wishlist_adds",
        "cart_adds",
        "checkouts",
    ] -%}
    with
        starts as (select * from {{ model }} where {{ in_window("session_date", "sessions") }}),

        sessions as (
            select *
            from {{ ref("fct_sessions") }}
            where events >= {{ var("intent").at_event }} and {{ in_window("session_date", "sessions") }}
        )

    select sessions.shop_id, sessions.session_id, starts.events, sessions.events as events_of_session
    from sessions
    left join starts on starts.shop_id = sessions.shop_id and starts.session_id = sessions.session_id
    where
        (starts.session_id is null and not sessions.is_bot)
        or not starts.at_event_ts between sessions.session_start_ts and sessions.session_end_ts
        or (starts.events = sessions.events and starts.purchased_later)
        {% for count in counts %}
            or starts.{{ count }} > sessions.{{ count }}
            or (starts.events = sessions.events and starts.{{ count }} <> sessions.{{ count }})
        {% endfor %}
{% endtest %}

{# The ranks of each list run 1, 2, 3 …, and no product is in it twice: `lists` beside the shop name a list. #}
{% test lists_are_ranked(model, lists, item) %}
    select
        shop_id,
        {{ lists | join(", ") }},
        count(*) as listed,
        count(distinct {{ item }}) as products,
        max(rank) as last_rank
    from {{ model }}
    group by shop_id, {{ lists | join(", ") }}
    having count(*) <> count(distinct {{ item }}) or max(rank) <> count(*) or min(rank) <> 1
{% endtest %}

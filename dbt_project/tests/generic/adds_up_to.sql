{#
  The sum of `expression` over the model, by shop, is the sum of `of` over `relation` (where `condition`
  holds): nothing was lost or counted twice on the way. Looks at everything: for compact tables.
#}
{% test adds_up_to(model, expression, relation, of, condition="true") %}
    with
        ours as (
            select shop_id, coalesce(sum({{ expression }}), 0) as total from {{ model }} group by shop_id
        ),

        theirs as (
            select shop_id, coalesce(sum({{ of }}), 0) as total
            from {{ relation }}
            where {{ condition }}
            group by shop_id
        )

    select coalesce(ours.shop_id, theirs.shop_id) as shop_id, ours.total as ours, theirs.total as theirs
    from ours
    full join theirs on theirs.shop_id = ours.shop_id
    where coalesce(ours.total, 0) <> coalesce(theirs.total, 0)
{% endtest %}

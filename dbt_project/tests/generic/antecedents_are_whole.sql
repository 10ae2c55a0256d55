{# A rule's antecedent has as many products as it says, and a name for each of them. #}
{% test antecedents_are_whole(model) %}
    select shop_id, rule_id, antecedent, antecedent_names, antecedent_size
    from {{ model }}
    where
        coalesce({{ size_of_list("antecedent") }}, 0) <> antecedent_size
        or coalesce({{ size_of_list("antecedent_names") }}, 0) <> antecedent_size
{% endtest %}

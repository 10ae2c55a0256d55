{# All of a shop's rows are of one day and one version of the model: two runs never mix. #}
{% test scored_as_one(model) %}
    select shop_id, count(distinct as_of) as days, count(distinct model_version) as versions
    from {{ model }}
    group by shop_id
    having count(distinct as_of) <> 1 or count(distinct model_version) <> 1
{% endtest %}

{# All figures of a shop and capability are of one day: two evaluations never mix. #}
{% test measured_as_one(model) %}
    select shop_id, capability, count(distinct as_of) as days
    from {{ model }}
    group by shop_id, capability
    having count(distinct as_of) > 1
{% endtest %}

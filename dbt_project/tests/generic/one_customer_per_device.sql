{# A device's anonymous events belong to one customer at most. #}
{% test one_customer_per_device(model) %}
    select shop_id, anonymous_id, count(*) as customers
    from {{ model }}
    where is_merged
    group by shop_id, anonymous_id
    having count(*) > 1
{% endtest %}

{#
  Lists of users that a model wrote (`scores`, a relation with `user_id`, `rank` and `item_id`) as they are served:
  with the customer behind a user, whether they are stale, without customers that are gone and products that are not
  on sale. Beside the columns of `scores`: `customer_id`, and those of `served_scores` and `lists_on_sale`.
  `capability` is the model's name in `score_status`.
#}
{% macro user_lists(scores, capability) %}
    with
        -- features name a customer by a prefix, so that no device can be taken for one
        scores as (
            select
                *,
                case
                    when user_id like 'customer:%' then substr(user_id, length('customer:') + 1)
                end as customer_id
            from {{ scores }}
        ),

        served as ({{ served_scores("scores", capability, of_customers=false) }}),

        -- yesterday's lists may name customers that are gone; visitors are in no dimension
        to_known as (
            select served.*
            from served
            left join
                {{ ref("dim_customers") }} as customers
                on customers.shop_id = served.shop_id
                and customers.customer_id = served.customer_id
            where served.customer_id is null or customers.customer_id is not null
        ),

        listed as ({{ lists_on_sale("to_known", ["user_id"]) }})

    select *
    from listed
{% endmacro %}

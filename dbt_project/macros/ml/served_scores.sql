{#
  Scores of one capability with whether they are old: `is_stale` where the capability says so in score_status, or
  where the shop's data speak of later days than the scores do; `stale_reason` says which. Scores of customers
  (`of_customers`) leave out those that are no longer there: yesterday's scores may name them.
#}
{% macro served_scores(scores, capability, of_customers=true) %}
    with
        newest as ({{ as_of() }}),

        status as (select * from {{ ref("stg_ml_score_status") }} where capability = '{{ capability }}'),

        judged as (
            select
                scores.*,
                case
                    when status.status <> 'fresh'
                    then coalesce(status.reason, status.status)
                    when scores.as_of < newest.as_of
                    then
                        'scored as of '
                        || cast(scores.as_of as varchar)
                        || ', the data go on to '
                        || cast(newest.as_of as varchar)
                end as stale_reason
            from {{ scores }} as scores
            inner join newest on newest.shop_id = scores.shop_id
            {% if of_customers %}
                inner join
                    {{ ref("dim_customers") }} as customers
                    on customers.shop_id = scores.shop_id
                    and customers.customer_id = scores.customer_id
            {% endif %}
            left join status on status.shop_id = scores.shop_id
        )

    select *, stale_reason is not null as is_stale
    from judged
{% endmacro %}

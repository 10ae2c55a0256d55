{#
  Scores, value groups and segments of customers measured as of one or more days: `measured` has shop_id,
  as_of, customer_id, recency_days, frequency and monetary_minor; every column of it is passed on.

  Quintiles by value among the customers of one shop and day: the share of customers strictly better
  (recency) or strictly below (frequency, money) decides, so equal values score equal, the most recent
  score 5 and one-time buyers score 1.
#}
{% macro rfm_scored(measured) %}
    with
        scored as (
            select
                *,
                {{ quintile_from_best("recency_days", "shop_id, as_of") }} as r_score,
                {{ quintile("frequency", "shop_id, as_of") }} as f_score,
                case
                    when monetary_minor is not null then {{ quintile("monetary_minor", "shop_id, as_of") }}
                end as m_score
            from {{ measured }}
        ),

        compared as (
            select
                *,
                -- above the shop's mean score, in whole numbers: score x n > sum of scores
                {% for score in ["r", "f", "m"] %}
                    {{ score }}_score * count({{ score }}_score) over (partition by shop_id, as_of)
                    > sum({{ score }}_score) over (partition by shop_id, as_of) as {{ score }}_high,
                {% endfor %}
                {{ frequency_and_money_score("f_score", "m_score") }} as fm_score
            from scored
        )

    select
        compared.*,
        value_groups.value_group_zh,
        value_groups.value_group,
        segments.segment,
        segments.segment_zh
    from compared
    left join
        {{ ref("rfm_value_groups") }} as value_groups
        on value_groups.r_high = compared.r_high
        and value_groups.f_high = compared.f_high
        and value_groups.m_high = compared.m_high
    left join
        {{ ref("rfm_segments") }} as segments
        on segments.r_score = compared.r_score
        and segments.fm_score = compared.fm_score
{% endmacro %}

{# Mean of both scores, rounded; a shop without prices is judged by frequency alone. #}
{% macro frequency_and_money_score(f_score, m_score) -%}
    cast(round(({{ f_score }} + coalesce({{ m_score }}, {{ f_score }})) / 2.0, 0) as bigint)
{%- endmacro %}

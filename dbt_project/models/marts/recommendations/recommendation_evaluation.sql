{{ config(tags=["after_ml"], meta={"refresh_class": "from daily", "key": ["shop_id", "capability", "model", "metric"]}) }}

with
    measured as (
        select *, max(as_of) over (partition by shop_id, capability) as newest
        from {{ ref("stg_ml_evaluation") }}
        where capability in ('recommendations', 'session_next_items', 'association_rules', 'buy_again')
    )

select shop_id, capability, model, metric, value, ci_low, ci_high, n, model_version, as_of
from measured
where as_of = newest

{#
  Features of every known customer at each date of feat_as_of_dates. Any other date:
  `select * from features.customer_features(date '2026-01-15')`, a table macro with the same SQL.
  What they did in the days from it on: `features.customer_outcomes(date '2026-01-15', 90)`.
#}
{{
    config(
        schema="features",
        materialized="table",
        tags=["whole"],
        contract={"enforced": true},
        post_hook=["{{ create_customer_features() }}", "{{ create_customer_outcomes() }}"],
        meta={"refresh_class": "from daily", "key": ["shop_id", "as_of", "customer_id"]},
    )
}}

with as_ofs as (select shop_id, as_of from {{ ref("feat_as_of_dates") }})

select *
from ({{ customer_features("as_ofs") }}) as features

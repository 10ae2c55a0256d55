{#
  Whose each device was when orders were credited. Written after `fct_attribution`: where a run dies between
  the two, the next one still sees the difference and credits these orders again.
#}
-- depends_on: {{ ref("fct_attribution") }}
{{ config(materialized="table", tags=["whole"], meta={"refresh_class": "from daily"}) }}

select shop_id, anonymous_id, customer_id
from {{ ref("dim_identities") }}
where is_merged

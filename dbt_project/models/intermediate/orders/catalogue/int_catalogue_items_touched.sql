{#
  The products whose catalogue entries this run must look at again, read from the lake's files whatever
  their load's state, so that a product that only a superseded load knew goes away.
#}
{{ config(materialized="table", meta={"refresh_class": "per run"}) }}

select distinct shop_id, item_id
from {{ source("lake", "products") }}
where {{ in_window("arrival_date", "arrivals") }}

{#
  A table, made first in every run: all later models see the same loads even when a new file is
  ingested while dbt is running.
#}
{{ config(materialized="table", meta={"refresh_class": "snapshot of the ledger"}) }}

with
    ledger as (select * from {{ source("lake", "ledger") }} where load_id is not null),

    replaced as (select {{ rows_of_list("supersedes") }} as load_id from ledger),

    superseded as (select distinct load_id from replaced)

select
    ledger.load_id,
    ledger.contract,
    ledger.contract_version,
    ledger.shop_id,
    ledger.source,
    {{ first_of_list("ledger.files") }} as source_file,
    ledger.rows_read,
    ledger.rows_accepted,
    ledger.rows_quarantined,
    ledger.rows_duplicate,
    ledger.rows_skipped,
    ledger.contract_rows,
    ledger.arrival_days,
    ledger.replays,
    ledger.loaded_at,
    superseded.load_id is not null as is_superseded
from ledger
left join superseded on superseded.load_id = ledger.load_id

{#
  Refunds of the touched orders as the shop's refund table has them now. A later version may have
  moved a refund to another order, so all versions of a refund are ranked before the touched are kept.
#}
{{ config(materialized="table", meta={"refresh_class": "per run"}) }}

with
    versions as (select * from {{ ref("stg_refunds") }}),

    named as (select distinct shop_id, refund_id from ({{ touched_rows("versions") }}) as touched_versions),

    ranked as (
        select versions.*, {{ latest_version(["refund_id"]) }} as version_rank
        from versions
        inner join named using (shop_id, refund_id)
    ),

    latest as (select * from ranked where version_rank = 1)

    {{ touched_rows("latest") }}

{#
  Sessions with where they came from: part of `fct_sessions`, in a file of its own.
#}
{{ config(materialized="ephemeral") }}

with sourced as ({{ session_channels(ref("int_sessions")) }})

select *
from sourced

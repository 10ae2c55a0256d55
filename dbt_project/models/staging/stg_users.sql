with
    versions as ({{ active_rows("users") }}),

    ranked as (select *, {{ latest_version(["customer_id"]) }} as version_rank from versions)

select
    shop_id,
    customer_id,
    cast(updated_at as timestamp) as updated_at,
    cast(registered_at as timestamp) as registered_at,
    gender,
    cast(birth_year as bigint) as birth_year,
    country,
    region,
    city,
    acquisition_channel
from ranked
where version_rank = 1

with
    -- read by name: a spreadsheet may have put the columns in another order, and leaves blank rows behind
    decisions as (
        select
            trim(shop_id) as shop_id,
            trim(anonymous_id) as anonymous_id,
            trim(customer_id) as customer_id,
            trim(action) as action,
            {{ utc_timestamp("trim(decided_at)") }} as decided_at,
            decided_by,
            reason
        from {{ source("lake", "identity_overrides") }}
        where trim(coalesce(shop_id, '')) <> ''
    )

select shop_id, anonymous_id, customer_id, action, decided_at, decided_by, reason
from
    (
        select
            *,
            row_number() over (
                partition by shop_id, anonymous_id, customer_id
                order by decided_at desc, action, decided_by, reason
            ) as place
        from decisions
    ) as ranked
where place = 1

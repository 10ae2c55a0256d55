select shop_id, anonymous_id, customer_id, action, decided_at, decided_by, reason
from
    (
        select
            *,
            row_number() over (
                partition by shop_id, anonymous_id, customer_id
                order by decided_at desc, action, decided_by, reason
            ) as place
        from {{ source("lake", "identity_overrides") }}
    ) as decisions
where place = 1

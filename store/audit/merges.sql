-- name: verify_merge_pairs
-- Each pair with the newest fact about it, in no particular order.
select kind, loser as one, survivor as other, merged as holds, order_key, source, id, set_aside
from merge_pairs where tenant = :tenant

-- name: verify_forbidden_pairs
-- Each pair that must never be merged, or may be again, with the newest fact about it, in no particular order.
select kind, one, other, forbidden as holds, order_key, source, id, null::text[] as set_aside
from forbidden_pairs where tenant = :tenant

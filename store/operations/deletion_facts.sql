-- name: deletion_fact
-- An entity's deletion, found by its order key among the facts of that entity; survivor: what its key was merged into
-- when the deletion was recorded.
select f.correlation, a.survivor
from facts f
left join lateral (
    select survivor, from_revision from aliases
    where tenant = :tenant and kind = :kind and key = :key and to_revision > f.revision
    order by to_revision limit 1) a on a.from_revision <= f.revision
where f.tenant = :tenant and f.kind = :kind and f.key = :key and f.order_key = :order_key
limit 1

-- name: registers
-- The current version of these entities.
select e.kind, e.key, e.sequence, e.data, e.latest, e.created, e.ended, e.older, e.refs
from unnest($2::text[], $3::text[]) as w (kind, key)
cross join lateral (
    select * from entities where tenant = $1 and kind = w.kind and key = w.key and to_revision = :open limit 1) e

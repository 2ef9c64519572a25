-- name: entities_by_key
-- The current versions of these entities.
select e.kind, e.key, e.sequence, e.data, e.latest, e.created, e.ended, e.incarnation, e.older, e.refs
from unnest(:kinds::text[], :keys::text[]) as w (kind, key)
cross join lateral (
    select * from entities
    where tenant = :tenant and kind = w.kind and key = w.key and to_revision = :open limit 1) e

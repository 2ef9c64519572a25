-- name: known_merges
-- Those of these merges that are known.
select m.id, m.kind, m.survivor, m.losers
from unnest(:ids::text[]) as w (id)
cross join lateral (select * from merges where tenant = :tenant and id = w.id limit 1) m

-- name: keys_with_children
-- Those of these keys to which a link leads, by one of these relationships.
select distinct w.key
from unnest(:keys::text[]) as w (key)
cross join unnest(:relationships::text[]) as r (name)
cross join lateral (
    select from links
    where tenant = :tenant and relationship = r.name and parent = w.key and to_revision = :open limit 1) l

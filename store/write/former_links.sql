-- name: ends
-- The newest deletions of these entities, of those that were ever deleted.
select e.kind, e.key, e.ended
from unnest(:kinds::text[], :keys::text[]) as w (kind, key)
cross join lateral (
    select * from entities
    where tenant = :tenant and kind = w.kind and key = w.key and to_revision = :open limit 1) e
where e.ended <> ''

-- name: links_to_recreated
-- The current links of these relationships to these parents.
select w.relationship, l.child, l.parent, l.rank, l.of_former_incarnation as former
from unnest(:relationships::text[], :parents::text[]) as w (relationship, parent)
cross join lateral (
    select child, parent, rank, of_former_incarnation from links
    where tenant = :tenant and relationship = w.relationship and parent = w.parent and to_revision = :open
    offset 0) l

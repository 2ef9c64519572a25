-- name: ends
-- The newest deletions of these entities, of those that were ever deleted.
select e.kind, e.key, e.ended, e.state = 'live' as live
from unnest(:kinds::text[], :keys::text[]) as w (kind, key)
cross join lateral (
    select * from entities
    where tenant = :tenant and kind = w.kind and key = w.key and to_revision = :open limit 1) e
where e.ended <> ''

-- name: links_to_recreated
-- The current links of these relationships to these parents, without those that were stated with a key merged into them.
select w.relationship, l.child, l.parent, l.rank, l.of_former_incarnation as former, l.stated_child
from unnest(:relationships::text[], :parents::text[]) as w (relationship, parent)
cross join lateral (
    select child, parent, rank, of_former_incarnation, stated_child from links
    where tenant = :tenant and relationship = w.relationship and parent = w.parent and to_revision = :open
      and stated_parent is null
    offset 0) l

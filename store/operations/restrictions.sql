-- name: restrictions
-- For each of these entities that has one: a link that restricts its deletion, or the deletion of an entity that would
-- be deleted with it. An entity that is its own parent does not restrict its own deletion.
select w.key, r.relationship, r.child, r.parent
from unnest(:keys::text[]) as w (key)
cross join lateral (
    select c.relationship, c.child, c.parent
    from concerned_by_deletion(:tenant, :kind, w.key, :open - 1, :names, :parent_kinds, :child_kinds, :policies,
                               :many, :shared) c
    join unnest(:names::text[], :parent_kinds::text[], :child_kinds::text[], :policies::text[])
        as p (name, parent, child, policy) on p.name = c.relationship and p.policy = 'restrict'
    where p.parent <> p.child or c.parent <> c.child
    limit 1) r

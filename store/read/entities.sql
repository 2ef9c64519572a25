-- Each lookup of a version takes the smallest to_revision after the revision in question: one index step, whatever
-- the number of versions.

-- name: entity_at
-- The version of an entity that is valid at a revision.
select state, sequence, data, incarnation, from_revision
from entities
where tenant = :tenant and kind = :kind and key = :key and to_revision > :revision and from_revision <= :revision
order by to_revision
limit 1

-- name: references_at
-- The parents that an entity is linked to at a revision, as their child.
select r.relationship, l.parent
from unnest(:relationships::text[]) as r (relationship)
cross join lateral (
    select parent from links
    where tenant = :tenant and relationship = r.relationship and child = :child
      and to_revision > :revision and from_revision <= :revision
    order by to_revision limit 1) l
order by r.relationship

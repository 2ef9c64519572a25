-- Every look-up of a version is by the smallest to_revision beyond the revision asked for: one step in the index,
-- however many versions there are.

-- name: entity_at
-- The version of an entity that is valid at a revision.
select state, sequence, data, ended, from_revision
from entities
where tenant = $1 and kind = $2 and key = $3 and to_revision > $4 and from_revision <= $4
order by to_revision
limit 1

-- name: references_at
-- To whom an entity is linked at a revision, as the child.
select w.relationship, l.parent
from unnest($2::text[]) as w (relationship)
cross join lateral (
    select parent from links
    where tenant = $1 and relationship = w.relationship and child = $3 and to_revision > $4 and from_revision <= $4
    order by to_revision limit 1) l
order by w.relationship

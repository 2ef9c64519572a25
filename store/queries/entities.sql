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

-- name: fact_by_order
-- A fact of an entity by its order key; reads the facts of that entity.
select source, id, type, sequence, time, received, revision, data, correlation
from facts
where tenant = $1 and kind = $2 and key = $3 and order_key = $4
limit 1

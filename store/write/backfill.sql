-- name: definitions
-- The relationships that the tables hold links of.
select relationship, body, policy from definitions

-- name: add_definition
-- The tables hold the links of this relationship from now on.
insert into definitions (relationship, body, settled_at) values ($1, $2::jsonb, now())

-- name: set_policy
-- What becomes of the children of a parent that is gone, from now on.
update definitions set policy = $2 where relationship = $1

-- name: registers_of_kind
-- A page of the current entities of a kind, by key.
select kind, key, sequence, data, latest, created, ended, older, refs
from entities
where tenant = $1 and kind = $2 and key > $3 and to_revision = :open
order by key
limit $4

-- name: linked_children
-- The links that these children have now.
select l.child, l.parent
from unnest($2::text[], $3::text[]) as w (relationship, child)
join links l on l.tenant = $1 and l.relationship = w.relationship and l.child = w.child and l.to_revision = :open

-- name: correlated_facts
-- Facts of these entities that carry a correlation id of Tether's making.
select f.type, f.key, f.correlation, f.order_key
from unnest($2::text[], $3::text[]) as w (kind, key)
join facts f on f.tenant = $1 and f.kind = w.kind and f.key = w.key
where f.correlation like 'tether1.%'

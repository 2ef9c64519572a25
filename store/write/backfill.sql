-- name: definitions
-- The relationships whose links the tables hold.
select relationship, body, policy from definitions

-- name: add_definition
-- Records that the tables hold the links of a relationship.
insert into definitions (relationship, body, settled_at) values (:relationship, :body::jsonb, now())

-- name: set_policy
-- Records what happens to the children of deleted parents in a relationship.
update definitions set policy = :policy where relationship = :relationship

-- name: entities_of_kind
-- A page of the current entities of a kind, by key.
select kind, key, sequence, data, latest, created, ended, incarnation, older, refs
from entities
where tenant = :tenant and kind = :kind and key > :after and to_revision = :open
order by key
limit :size

-- name: keys_of_facts
-- A page of the keys of a kind that facts are about.
select key from facts
where tenant = :tenant and kind = :kind and key > :after
group by key
order by key
limit :size

-- name: linked_children
-- The current links of these children.
select l.child, l.parent
from unnest(:relationships::text[], :children::text[]) as w (relationship, child)
cross join lateral (
    select child, parent from links
    where tenant = :tenant and relationship = w.relationship and child = w.child and to_revision = :open limit 1) l

-- name: correlated_facts
-- The facts about these entities that carry a correlation id made by Tether.
select f.type, f.key, f.correlation, f.order_key
from unnest(:kinds::text[], :keys::text[]) as w (kind, key)
join facts f on f.tenant = :tenant and f.kind = w.kind and f.key = w.key
where f.correlation like 'tether1.%' or f.correlation like 'tether3.%'

-- name: deleted_parents
-- The current tombstones of a kind, by key: those after a key, or from it on if :inclusive.
select key as parent from entities
where tenant = :tenant and kind = :kind and state = 'deleted' and state <> 'live' and to_revision = :open
  and key >= :after and (key > :after or :inclusive)
order by key
limit :size

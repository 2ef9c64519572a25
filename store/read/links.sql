-- Rows valid at a revision, in the order of the index that is read, and after a key: a page costs the same
-- wherever it begins. No state is stored, so rows bring the state of their parent with them.

-- name: links_by_child
-- A page of a relationship's links at a revision, by child.
select l.child, l.parent, l.since, p.state
from (
    select child, parent, since from links
    where tenant = $1 and relationship = $2 and to_revision > $3 and from_revision <= $3 and child > $4
    order by child
    limit $5) l
left join lateral (
    select state from entities e
    where e.tenant = $1 and e.kind = $6 and e.key = l.parent and e.to_revision > $3 and e.from_revision <= $3
    order by e.to_revision limit 1) p on true
order by l.child

-- name: link_of_child
-- The link of one child at a revision.
select l.child, l.parent, l.since, p.state
from (
    select child, parent, since from links
    where tenant = $1 and relationship = $2 and to_revision > $3 and from_revision <= $3 and child = $4
    order by to_revision
    limit 1) l
left join lateral (
    select state from entities e
    where e.tenant = $1 and e.kind = $5 and e.key = l.parent and e.to_revision > $3 and e.from_revision <= $3
    order by e.to_revision limit 1) p on true

-- name: children_of
-- Children that these parents have, parent after parent: of each those after a child, valid at a revision and
-- from one not later than another on.
select w.n::int as n, l.child, l.since
from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) with ordinality
     as w (relationship, parent, after, at, not_later, n)
cross join lateral (
    select child, since from links
    where tenant = $1 and relationship = w.relationship and parent = w.parent and child > w.after
      and to_revision > w.at and from_revision <= w.not_later
    order by child
    limit $7) l
order by w.n, l.child
limit $7

-- name: waiting_parents
-- Parents that are waited for now, by key: those after a key, and with $5 that key as well.
select parent from waits
where tenant = $1 and relationship = $2 and lacks = 'parent' and parent >= $3 and (parent > $3 or $5)
order by parent
limit $4

-- name: deleted_parents
-- Tombstones of a kind now, by key.
select key as parent from entities
where tenant = $1 and kind = $2 and state = 'deleted' and state <> 'live' and to_revision = :open
  and key >= $3 and (key > $3 or $5)
order by key
limit $4

-- name: parents_at
-- Every parent that a relationship ever had, by key, with its state at a revision: one step in the index for each.
with recursive step as (
    (select parent, 1 as n from links
     where tenant = $1 and relationship = $2 and parent >= $3 and (parent > $3 or $5)
     order by parent limit 1)
    union all
    select (select l.parent from links l
            where l.tenant = $1 and l.relationship = $2 and l.parent > step.parent
            order by l.parent limit 1), step.n + 1
    from step
    where step.parent is not null and step.n < $4
)
select s.parent, p.state
from step s
left join lateral (
    select state from entities e
    where e.tenant = $1 and e.kind = $6 and e.key = s.parent and e.to_revision > $7 and e.from_revision <= $7
    order by e.to_revision limit 1) p on true
where s.parent is not null
order by s.parent

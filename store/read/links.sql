-- Rows that are valid at a revision, in the order of the index that is read, and after a key (keyset pagination): a
-- page costs the same wherever it starts. The state of a link is not stored, so rows carry the state of their parent:
-- that of the incarnation that the link is to, which is deleted if it is a former one.

-- name: links_by_child
-- A page of a relationship's links at a revision, by child.
select l.child, l.parent, l.since, case when l.of_former_incarnation then 'deleted' else p.state end as parent_state,
       l.stated_child, l.stated_parent
from (
    select child, parent, since, of_former_incarnation, stated_child, stated_parent from links
    where tenant = :tenant and relationship = :relationship
      and to_revision > :revision and from_revision <= :revision and child > :after
    order by child
    limit :size) l
left join lateral (
    select state from entities e
    where e.tenant = :tenant and e.kind = :parent_kind and e.key = l.parent
      and e.to_revision > :revision and e.from_revision <= :revision
    order by e.to_revision limit 1) p on true
order by l.child

-- name: link_of_child
-- The link of one child at a revision.
select l.child, l.parent, l.since, case when l.of_former_incarnation then 'deleted' else p.state end as parent_state,
       l.stated_child, l.stated_parent
from (
    select child, parent, since, of_former_incarnation, stated_child, stated_parent from links
    where tenant = :tenant and relationship = :relationship
      and to_revision > :revision and from_revision <= :revision and child = :child
    order by to_revision
    limit 1) l
left join lateral (
    select state from entities e
    where e.tenant = :tenant and e.kind = :parent_kind and e.key = l.parent
      and e.to_revision > :revision and e.from_revision <= :revision
    order by e.to_revision limit 1) p on true

-- name: children_of
-- The children of these parents, parent by parent: of each those after a child, whose link is valid at a revision and
-- began no later than another revision. Without :former, only those of the present incarnations.
select p.n::int as n, l.child, l.since, l.of_former_incarnation as former, l.stated_child, l.stated_parent
from unnest(:relationships::text[], :parents::text[], :after_children::text[], :revisions::bigint[],
            :begun_by::bigint[]) with ordinality
     as p (relationship, parent, after, revision, begun_by, n)
cross join lateral (
    select child, since, of_former_incarnation, stated_child, stated_parent from links
    where tenant = :tenant and relationship = p.relationship and parent = p.parent and child > p.after
      and to_revision > p.revision and from_revision <= p.begun_by and (:former::boolean or not of_former_incarnation)
    order by child
    limit :size) l
order by p.n, l.child
limit :size

-- name: waiting_parents
-- The parents that currently wait, by key, each with whether it is the one that is missing: those after a key, or from
-- it on if :inclusive.
select parent, missing = 'parent' as is_missing from waits
where tenant = :tenant and relationship = :relationship and parent >= :after and (parent > :after or :inclusive)
order by parent
limit :size

-- name: former_parents
-- The parents of current links of former incarnations, by key: those after a key, or from it on if :inclusive.
select distinct parent from links
where tenant = :tenant and relationship = :relationship and of_former_incarnation and to_revision = :open
  and parent >= :after and (parent > :after or :inclusive)
order by parent
limit :size

-- name: parents_at
-- Every parent that a relationship ever had, by key, with its state at a revision: one index step for each. Those after
-- a key, or from it on if :inclusive.
with recursive step as (
    (select parent, 1 as n from links
     where tenant = :tenant and relationship = :relationship
       and parent >= :after and (parent > :after or :inclusive)
     order by parent limit 1)
    union all
    select (select l.parent from links l
            where l.tenant = :tenant and l.relationship = :relationship and l.parent > step.parent
            order by l.parent limit 1), step.n + 1
    from step
    where step.parent is not null and step.n < :size
)
select s.parent, p.state
from step s
left join lateral (
    select state from entities e
    where e.tenant = :tenant and e.kind = :parent_kind and e.key = s.parent
      and e.to_revision > :revision and e.from_revision <= :revision
    order by e.to_revision limit 1) p on true
where s.parent is not null
order by s.parent

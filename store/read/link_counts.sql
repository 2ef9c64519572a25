-- name: count_links
-- The current links of a relationship: reads the whole range of one index.
select count(*) from links where tenant = :tenant and relationship = :relationship and to_revision = :open

-- name: count_parents
-- The parents that have a current link to their present incarnation: reads the whole range of one index.
select count(distinct parent) from links
where tenant = :tenant and relationship = :relationship and to_revision = :open and not of_former_incarnation

-- name: count_waiting
-- The current links that wait for their parent, those of them that began to before a moment, and their parents.
select coalesce(sum(c.links), 0)::bigint as links, coalesce(sum(c.overdue), 0)::bigint as overdue,
       count(*) as parents
from waits w
cross join lateral (
    select count(*) as links, count(*) filter (where l.since < :overdue_before) as overdue
    from links l
    where l.tenant = :tenant and l.relationship = :relationship and l.parent = w.parent and l.to_revision = :open) c
where w.tenant = :tenant and w.relationship = :relationship and w.missing = 'parent'

-- name: count_broken
-- The current links to tombstones and to former incarnations, and how many tombstones have links of their last one.
select coalesce(sum(c.links), 0)::bigint
       + (select count(*) from links l
          where l.tenant = :tenant and l.relationship = :relationship and l.of_former_incarnation
            and l.to_revision = :open) as links,
       count(*) filter (where c.links > 0) as parents
from entities e
cross join lateral (
    select count(*) as links from links l
    where l.tenant = :tenant and l.relationship = :relationship and l.parent = e.key and l.to_revision = :open
      and not l.of_former_incarnation) c
where e.tenant = :tenant and e.kind = :parent_kind and e.state = 'deleted' and e.state <> 'live'
  and e.to_revision = :open

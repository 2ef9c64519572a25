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

-- name: count_listed_children
-- The current links of a relationship whose parents list their children, by state: reads the whole range of one index,
-- and the state of each child.
select count(*) filter (where not l.former and p.state = 'live') as linked,
       count(*) filter (where not l.former and p.state is distinct from 'live' and p.state is distinct from 'deleted'
                          and l.since >= :overdue_before) as waiting,
       count(*) filter (where not l.former and p.state is distinct from 'live' and p.state is distinct from 'deleted'
                          and l.since < :overdue_before) as overdue,
       count(*) filter (where l.former or p.state = 'deleted') as broken
from (select child, since, of_former_incarnation as former from links
      where tenant = :tenant and relationship = :relationship and to_revision = :open offset 0) l
left join lateral (
    select state from entities
    where tenant = :tenant and kind = :child_kind and key = l.child and to_revision = :open limit 1) p on true

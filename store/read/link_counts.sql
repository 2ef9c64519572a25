-- name: count_links
-- Links of a relationship now: reads one index, whole.
select count(*) from links where tenant = $1 and relationship = $2 and to_revision = :open

-- name: count_parents
-- Parents that have a link now: reads one index, whole.
select count(distinct parent) from links where tenant = $1 and relationship = $2 and to_revision = :open

-- name: count_waiting
-- Links that wait now, and those of them that began to before a moment; their parents.
select coalesce(sum(c.links), 0)::bigint as links, coalesce(sum(c.late), 0)::bigint as late, count(*) as parents
from waits w
cross join lateral (
    select count(*) as links, count(*) filter (where l.since < $3) as late
    from links l
    where l.tenant = $1 and l.relationship = $2 and l.parent = w.parent and l.to_revision = :open) c
where w.tenant = $1 and w.relationship = $2 and w.lacks = 'parent'

-- name: count_broken
-- Links to tombstones now, and how many tombstones have any.
select coalesce(sum(c.links), 0)::bigint as links, count(*) filter (where c.links > 0) as parents
from entities e
cross join lateral (
    select count(*) as links from links l
    where l.tenant = $1 and l.relationship = $2 and l.parent = e.key and l.to_revision = :open) c
where e.tenant = $1 and e.kind = $3 and e.state = 'deleted' and e.state <> 'live' and e.to_revision = :open

-- What changed, from the tables themselves: every version carries the revision at which it began and ended.
-- Each query reads a window of revisions ($2 to $3) that holds a bounded number of facts, in the order of the feed,
-- after a place within the window's first revision. A relationship or kind is compared as an expression (|| '') so
-- that no index on it is taken for the one on revisions, which alone leads to few rows.

-- name: feed_revisions
-- The revisions from one on up to the head, each with its number of facts.
select revision, facts from revisions where tenant = $1 and revision >= $2 and revision <= $3 order by revision limit $4

-- name: feed_entities
-- Versions of entities that began; placeholders are nobody's news.
select from_revision as revision, kind, key, state, data
from entities
where tenant = $1 and from_revision between $2 and $3 and state <> 'unknown'
  and ($6::text is null or kind = $6)
  and (from_revision, kind, key) > ($2, $4, $5)
order by from_revision, kind, key
limit $7

-- name: feed_links
-- Links that began, with the parent that the same child left for it; and links that ended without another.
select c.revision, c.relationship, c.child, c.parent, c.began, o.parent as before, p.state
from (
    select b.*
    from (
        select l.from_revision as revision, l.relationship, l.child, l.parent, true as began
        from links l
        where l.tenant = $1 and l.from_revision between $2 and $3
        union all
        select l.to_revision, l.relationship, l.child, l.parent, false
        from links l
        left join lateral (
            select n.from_revision from links n
            where n.tenant = $1 and n.relationship = l.relationship and n.child = l.child
              and n.to_revision > l.to_revision
            order by n.to_revision limit 1) n on true
        where l.tenant = $1 and l.to_revision between $2 and $3 and l.to_revision < :open
          and n.from_revision is distinct from l.to_revision) b
    where b.relationship || '' = any($4::text[]) and (b.revision, b.relationship, b.child) > ($2, $5, $6)
    order by b.revision, b.relationship, b.child
    limit $7) c
left join unnest($4::text[], $8::text[]) as r (name, parent_kind) on r.name = c.relationship
left join lateral (
    select l.parent, l.to_revision from links l
    where l.tenant = $1 and l.relationship = c.relationship and l.child = c.child and l.to_revision >= c.revision
    order by l.to_revision limit 1) o on c.began and o.to_revision = c.revision
left join lateral (
    select e.state from entities e
    where e.tenant = $1 and e.kind = r.parent_kind and e.key = c.parent
      and e.to_revision > c.revision and e.from_revision <= c.revision
    order by e.to_revision limit 1) p on c.began
order by c.revision, c.relationship, c.child

-- name: feed_contested
-- Parents that may have one child, of which a link began or ended while they were live, before and after.
select t.revision, t.relationship, t.parent
from (
    select l.from_revision as revision, l.relationship, l.parent from links l
    where l.tenant = $1 and l.from_revision between $2 and $3 and l.relationship || '' = any($4::text[])
    union
    select l.to_revision, l.relationship, l.parent from links l
    where l.tenant = $1 and l.to_revision between $2 and $3 and l.to_revision < :open
      and l.relationship || '' = any($4::text[])) t
join unnest($4::text[], $5::text[]) as r (name, parent_kind) on r.name = t.relationship
cross join lateral (
    select e.state, e.from_revision from entities e
    where e.tenant = $1 and e.kind = r.parent_kind and e.key = t.parent
      and e.to_revision > t.revision and e.from_revision <= t.revision
    order by e.to_revision limit 1) now
left join lateral (
    select e.state, e.to_revision from entities e
    where e.tenant = $1 and e.kind = r.parent_kind and e.key = t.parent and e.to_revision >= t.revision
    order by e.to_revision limit 1) was on was.to_revision = t.revision
where now.state = 'live' and (now.from_revision < t.revision or was.state = 'live')
order by t.revision, t.relationship, t.parent

-- name: feed_turned
-- Entities whose state became another one, and that children may have referred to before.
select e.from_revision as revision, e.kind, e.key, e.state
from entities e
cross join lateral (
    select o.state, o.to_revision from entities o
    where o.tenant = $1 and o.kind = e.kind and o.key = e.key and o.to_revision >= e.from_revision
    order by o.to_revision limit 1) was
where e.tenant = $1 and e.from_revision between $2 and $3 and e.kind || '' = any($4::text[])
  and was.to_revision = e.from_revision and was.state <> e.state

-- name: feed_facts
-- What Tether announced. Explicit links are left out: they show as what they did.
select revision, source, id, type, key, sequence, time, data, correlation, causation, traceparent, extensions
from facts
where tenant = $1 and revision between $2 and $3 and source = '/tether' and type not in ('Linked.v1', 'Unlinked.v1')
  and ($5::text is null or data->>'relationship' = $5)
  and (revision, id) > ($2, $4)
order by revision, id
limit $6

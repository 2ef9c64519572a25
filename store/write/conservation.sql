-- name: origins_at
-- All keys of the entities that these keys belong to at a revision, each with the key of its entity.
with named as (
    select distinct coalesce(a.survivor, w.key) as survivor
    from unnest(:keys::text[]) as w (key)
    left join lateral (
        select survivor from aliases
        where tenant = :tenant and kind = :kind and key = w.key and to_revision > :revision and from_revision <= :revision
        order by to_revision limit 1) a on true)
select survivor as origin, survivor from named
union all
select a.key, n.survivor
from named n
cross join lateral (
    select key from aliases
    where tenant = :tenant and kind = :kind and survivor = n.survivor
      and to_revision > :revision and from_revision <= :revision
    offset 0) a
order by origin

-- name: child_records_at
-- The records of these keys at a revision.
select e.kind, e.key, e.sequence, e.data, e.latest, e.created, e.ended, e.incarnation, e.older, e.refs
from unnest(:keys::text[]) as w (key)
cross join lateral (
    select * from entities
    where tenant = :tenant and kind = :kind and key = w.key and to_revision > :revision and from_revision <= :revision
    order by to_revision limit 1) e

-- name: tally_activity
-- Of each origin key: how much activity was recorded under it at a revision, and the sum of its hashes in two halves.
-- The digest of its fact stands for its data.
select w.origin, count(h.hash) as count,
       coalesce(sum(('x' || substr(h.hash, 1, 16))::bit(64)::bigint::numeric), 0) as high,
       coalesce(sum(('x' || substr(h.hash, 17, 16))::bit(64)::bigint::numeric), 0) as low
from unnest(:origins::text[]) as w (origin)
left join lateral (
    select encode(sha256(timestamptz_send(a.happened) || int2send(a.happened_nanoseconds) || int8send(a.position)
                         || convert_to(row(a.feed, a.key, a.type, a.source, a.id)::text, 'UTF8')
                         || coalesce(f.digest, '')), 'hex') as hash
    from activities a
    left join lateral (
        select digest from facts where tenant = :tenant and source = a.source and id = a.id limit 1) f on true
    where a.tenant = :tenant and a.kind = :kind and a.key = w.origin
      and a.to_revision > :revision and a.from_revision <= :revision
    offset 0) h on true
group by w.origin
order by w.origin

-- name: tally_links
-- Of each origin key: how many links state it, as parent or as child, at a revision, and the sum of their hashes in two
-- halves. Links to it are in the table at its survivor. Those from it are what its record states; within one kind that
-- includes links to it that are set aside, because both ends are the same entity.
with stated as (
    select * from unnest(:stated_relationships::text[], :stated_children::text[], :stated_parents::text[])
        as s (relationship, child, parent)),
found as (
    select coalesce(l.stated_parent, l.parent) as origin, 'to' as side, l.relationship,
           coalesce(l.stated_child, l.child) as child, coalesce(l.stated_parent, l.parent) as parent
    from unnest(:relationships::text[]) as r (relationship)
    cross join unnest(:survivors::text[]) as w (survivor)
    cross join lateral (
        select * from links
        where tenant = :tenant and relationship = r.relationship and parent = w.survivor
          and to_revision > :revision and from_revision <= :revision
        offset 0) l
    union
    select s.parent, 'to', s.relationship, s.child, s.parent
    from stated s
    where s.relationship = any(:within::text[]) and s.parent = any(:origins::text[])
    union
    select s.child, 'from', s.relationship, s.child, s.parent from stated s),
hashed as (
    select origin, encode(sha256(convert_to(row(side, relationship, child, parent)::text, 'UTF8')), 'hex') as hash
    from found)
select w.origin, count(h.hash) as count,
       coalesce(sum(('x' || substr(h.hash, 1, 16))::bit(64)::bigint::numeric), 0) as high,
       coalesce(sum(('x' || substr(h.hash, 17, 16))::bit(64)::bigint::numeric), 0) as low
from unnest(:origins::text[]) as w (origin)
left join hashed h on h.origin = w.origin
group by w.origin
order by w.origin

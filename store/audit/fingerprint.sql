-- The state as lines of text at a revision, sorted by their bytes. Declarations are passed as arrays with one element
-- for each relationship.

-- name: entity_lines
-- Each entity with the part of its line before the data, in the order of that part. Entities that only Tether's own
-- facts name are not among them: no owner published them and no link refers to them. Nor are placeholders whose key is
-- longer than new facts may have: whether they have one depends on the version that recorded the link; see link_lines.
select kind, key, state, sequence, data, latest, ended,
       ('entity|' || kind || '|' || key || '|' || state || '|') collate "C" as prefix
from entities e
where tenant = :tenant and from_revision <= :revision and to_revision > :revision
  and (state <> 'unknown' or octet_length(key) <= :key_limit)
  and (state <> 'unknown' or refs is null or exists (
      select from unnest(:relationships::text[], :parent_kinds::text[]) as r (name, parent)
      join links l on l.tenant = :tenant and l.relationship = r.name and l.parent = e.key
       and l.from_revision <= :revision and l.to_revision > :revision
      where r.parent = e.kind))
order by prefix

-- name: link_lines
-- Each link with its state, without what depends on the clock, and without those of keys that are longer than new facts
-- may have: earlier versions linked them, a backfill does not. Parents are looked up one by one: a join would read all
-- entities for each link while there are no statistics yet, as after a first import.
with linked as (
    select l.relationship, l.child, l.parent, r.parent as kind, false as former, 1 as rank
    from links l
    join unnest(:relationships::text[], :parent_kinds::text[], :exclusive::boolean[]) as r (name, parent, exclusive)
      on r.name = l.relationship
    where l.tenant = :tenant and l.from_revision <= :revision and l.to_revision > :revision and not r.exclusive
    union all
    select l.relationship, l.child, l.parent, r.parent, l.of_former_incarnation,
           row_number() over (partition by l.relationship, l.parent, l.of_former_incarnation order by l.rank, l.child)
    from links l
    join unnest(:relationships::text[], :parent_kinds::text[], :exclusive::boolean[]) as r (name, parent, exclusive)
      on r.name = l.relationship
    where l.tenant = :tenant and l.from_revision <= :revision and l.to_revision > :revision and r.exclusive
)
select l.relationship, l.child, l.parent, s.state,
       ('link|' || l.relationship || '|' || l.child || '|' || l.parent || '|' || s.state) collate "C" as line
from linked l
left join lateral (
    select state from entities
    where tenant = :tenant and kind = l.kind and key = l.parent
      and to_revision > :revision and from_revision <= :revision
    order by to_revision limit 1) p on true
cross join lateral (
    select case when p.state is null or p.state = 'unknown' then 'waiting' when p.state = 'deleted' or l.former then 'broken'
                when l.rank > 1 then 'conflict' else 'linked' end as state) s
where octet_length(l.child) <= :key_limit and octet_length(l.parent) <= :key_limit
order by line

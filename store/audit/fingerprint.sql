-- The state as lines of text, in the order of their bytes, at a revision. Catalogs come as arrays.

-- name: entity_lines
-- What is known of each entity, by the part of its line that comes before the data. Entities that only Tether itself
-- has spoken of so far do not exist yet.
select kind, key, state, sequence, data, latest, ended,
       ('entity|' || kind || '|' || key || '|' || state || '|') collate "C" as head
from entities e
where tenant = $1 and from_revision <= $2 and to_revision > $2
  and (state <> 'unknown' or refs is null or exists (
      select from unnest($3::text[], $4::text[]) as r (name, parent)
      join links l on l.tenant = $1 and l.relationship = r.name and l.parent = e.key
       and l.from_revision <= $2 and l.to_revision > $2
      where r.parent = e.kind))
order by head

-- name: link_lines
-- Every link with its state, the clock left out. Parents are looked up one by one: a join goes over all entities for
-- each link while there are no statistics yet, as after a first import.
with linked as (
    select l.relationship, l.child, l.parent, r.parent as kind, 1 as place
    from links l
    join unnest($3::text[], $4::text[], $5::boolean[]) as r (name, parent, exclusive) on r.name = l.relationship
    where l.tenant = $1 and l.from_revision <= $2 and l.to_revision > $2 and not r.exclusive
    union all
    select l.relationship, l.child, l.parent, r.parent,
           row_number() over (partition by l.relationship, l.parent order by l.rank, l.child)
    from links l
    join unnest($3::text[], $4::text[], $5::boolean[]) as r (name, parent, exclusive) on r.name = l.relationship
    where l.tenant = $1 and l.from_revision <= $2 and l.to_revision > $2 and r.exclusive
)
select l.relationship, l.child, l.parent, s.state,
       ('link|' || l.relationship || '|' || l.child || '|' || l.parent || '|' || s.state) collate "C" as line
from linked l
left join lateral (
    select state from entities
    where tenant = $1 and kind = l.kind and key = l.parent and to_revision > $2 and from_revision <= $2
    order by to_revision limit 1) p on true
cross join lateral (
    select case when p.state is null or p.state = 'unknown' then 'waiting' when p.state = 'deleted' then 'broken'
                when l.place > 1 then 'conflict' else 'linked' end as state) s
order by line

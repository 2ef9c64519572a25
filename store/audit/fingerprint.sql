-- The state as lines of text at a revision, sorted by their bytes. Declarations are passed as arrays with one element
-- for each relationship.

-- name: entity_lines
-- Each entity with the part of its line before the data, in the order of that part, and its state by its own facts.
-- Entities that only Tether's own facts name are not among them: no owner published them and no link refers to them. Nor
-- are placeholders whose key is longer than new facts may have: whether they have one depends on the version that
-- recorded the link; see link_lines. A key that was merged has a line also if it has no row.
select kind, key, state, recorded, sequence, data, latest, ended,
       ('entity|' || kind || '|' || key || '|' || state || '|') collate "C" as prefix
from (select e.kind, e.key, case when a.key is null then e.state else 'merged' end as state, e.state as recorded,
             e.sequence, e.data, e.latest, e.ended
      from entities e
      left join aliases a on a.tenant = :tenant and a.kind = e.kind and a.key = e.key
       and a.from_revision <= :revision and a.to_revision > :revision
      where e.tenant = :tenant and e.from_revision <= :revision and e.to_revision > :revision
        and (a.key is not null
             or (e.state <> 'unknown' or octet_length(e.key) <= :key_limit)
             and (e.state <> 'unknown' or e.refs is null or exists (
                 select from unnest(:relationships::text[], :element_kinds::text[], :parent_lists::boolean[])
                      as r (name, kind, parent_lists)
                 where r.kind = e.kind
                   and case when r.parent_lists
                       then exists (select from links l
                                    where l.tenant = :tenant and l.relationship = r.name and l.child = e.key
                                      and l.from_revision <= :revision and l.to_revision > :revision)
                       else exists (select from links l
                                    where l.tenant = :tenant and l.relationship = r.name and l.parent = e.key
                                      and l.from_revision <= :revision and l.to_revision > :revision) end)))
      union all
      select a.kind, a.key, 'merged', 'unknown', null, '{}', '', ''
      from aliases a
      where a.tenant = :tenant and a.from_revision <= :revision and a.to_revision > :revision
        and not exists (select from entities e
                        where e.tenant = :tenant and e.kind = a.kind and e.key = a.key
                          and e.from_revision <= :revision and e.to_revision > :revision)) e
order by prefix

-- name: link_lines
-- Each link with its state, without what depends on the clock, and without those of keys that are longer than new facts
-- may have: earlier versions linked them, a backfill does not. What a link names, its parent or the child that a parent
-- lists, is looked up one by one: a join would read all entities for each link while there are no statistics yet, as after
-- a first import.
with linked as (
    select l.relationship, l.child, l.parent, l.stated_child, l.stated_parent, r.kind,
           case when r.parent_lists then l.child else l.parent end as named,
           r.parent_lists and l.of_former_incarnation as is_over, false as former, 1 as rank
    from links l
    join unnest(:relationships::text[], :element_kinds::text[], :parent_lists::boolean[], :exclusive::boolean[])
         as r (name, kind, parent_lists, exclusive)
      on r.name = l.relationship
    where l.tenant = :tenant and l.from_revision <= :revision and l.to_revision > :revision and not r.exclusive
    union all
    select l.relationship, l.child, l.parent, l.stated_child, l.stated_parent, r.kind, l.parent, false,
           l.of_former_incarnation,
           row_number() over (partition by l.relationship, l.parent, l.of_former_incarnation order by l.rank, l.child)
    from links l
    join unnest(:relationships::text[], :element_kinds::text[], :exclusive::boolean[]) as r (name, kind, exclusive)
      on r.name = l.relationship
    where l.tenant = :tenant and l.from_revision <= :revision and l.to_revision > :revision and r.exclusive
)
select l.relationship, l.child, l.parent, l.stated_child, l.stated_parent, s.state,
       ('link|' || l.relationship || '|' || l.child || '|' || l.parent || '|' || s.state) collate "C" as line
from linked l
left join lateral (
    select state from entities
    where tenant = :tenant and kind = l.kind and key = l.named
      and to_revision > :revision and from_revision <= :revision
    order by to_revision limit 1) p on true
cross join lateral (
    select case when l.is_over then 'broken' when p.state is null or p.state = 'unknown' then 'waiting'
                when p.state = 'deleted' or l.former then 'broken'
                when l.rank > 1 then 'conflict' else 'linked' end as state) s
where octet_length(l.child) <= :key_limit and octet_length(l.parent) <= :key_limit
order by line

-- name: alias_lines
-- Each key that was merged, with the survivor of its cluster.
select kind, key, survivor, ('alias|' || kind || '|' || key || '|' || survivor) collate "C" as line
from aliases
where tenant = :tenant and from_revision <= :revision and to_revision > :revision
order by line

-- name: count_to_erase
-- How many rows of each table hold data of an entity. Reads the request bodies and merges of the tenant.
select 'facts' as what, count(*) as rows from facts
where tenant = :tenant and kind = :kind and key = :key and emptied is distinct from 'erased'
union all
select 'entities', count(*) from entities
where tenant = :tenant and kind = :kind and key = :key and data::text <> '{}'
union all
select 'facts of activity', count(*)
from activities a
cross join lateral (
    select from facts where tenant = :tenant and source = a.source and id = a.id and emptied is distinct from 'erased'
    limit 1) f
where a.tenant = :tenant and a.kind = :kind and a.key = :key
union all
select 'request_bodies', count(*) from request_bodies b
where b.tenant = :tenant
  and (b.cause = :kind || '/' || :key or exists (select from json_each_text(b.fields) f where f.value = :key))
union all
select 'merges', count(*) from merges
where tenant = :tenant and kind = :kind and reason <> '' and (survivor = :key or :key = any(losers))
union all
select 'operations', count(*)
from operations
where tenant = :tenant and coalesce(child, key) = :key and last_error <> '' and about = any(:subjects::text[])
union all
select 'operation_children', count(*) from operation_children
where tenant = :tenant and child = :key and last_error <> ''

-- name: merged_with
-- The other keys of the entity that a key belongs to.
select coalesce(array_agg(m.key order by m.key), '{}')
from (select coalesce((
          select survivor from aliases
          where tenant = :tenant and kind = :kind and key = :key and to_revision = :open limit 1), :key) as key) s
cross join lateral (
    select s.key
    union all
    select a.key from aliases a
    where a.tenant = :tenant and a.kind = :kind and a.survivor = s.key and a.to_revision = :open) m
where m.key <> :key

-- name: consumers_behind
-- Consumers that have not acknowledged a revision yet, with the replica that they follow.
select name, filter ->> 'replica' as replica from consumers
where tenant = :tenant and position_revision <= :revision
order by name
limit 100

-- name: begin_sweep
-- Begins a pass over all entities, if facts were sealed since the last one and it is long enough ago.
update horizons
set sweeping = sealed, sweep_kind = '', sweep_key = '', sweep_began = clock_timestamp()
where tenant = :tenant and sweeping is null and sealed > swept and sweep_began <= clock_timestamp() - :pause::interval

-- name: sweep
-- The pass that is under way, and whether any fact of the tenant was ever voided.
select h.sweeping as sealed, h.sweep_kind as kind, h.sweep_key as key, t.voids
from horizons h join tenant_revisions t on t.tenant = h.tenant
where h.tenant = :tenant and h.sweeping is not null

-- name: swept_entities
-- The next entities after one.
select kind, key from entities
where tenant = :tenant and (kind, key) > (:kind, :key) and to_revision = :open
order by kind, key
limit :size

-- name: sealed_facts
-- Of each of these entities: the sealed facts that have a body, or create or delete; by their order without restarts, the
-- last first. Each with the names of its fields, and with when it was voided, if the tenant has voided any.
with wanted as materialized (
    select w.kind, w.key from unnest(:kinds::text[], :keys::text[]) as w (kind, key)
), voids as materialized (
    select v.kind, v.key, v.data ->> 'source' as source, v.data ->> 'id' as id, v.revision
    from wanted w
    cross join lateral (
        select * from facts
        where tenant = :tenant and kind = w.kind and key = w.key and source = '/tether' and type = 'FactVoided.v1'
        offset 0) v
    where :voids::boolean)
select f.kind, f.key, f.source, f.id, f.type, f.position, f.time, f.time_nanoseconds,
       case when f.emptied is null then array(select json_object_keys(f.data)) end as names, v.revision as voided_at,
       case when f.emptied is null and f.type = any(:unread::text[]) then f.data end as data
from wanted w
cross join lateral (
    select * from facts
    where tenant = :tenant and kind = w.kind and key = w.key and revision <= :sealed
      and (emptied is null or type = any(:lives::text[])) offset 0) f
left join voids v on v.kind = f.kind and v.key = f.key and v.source = f.source and v.id = f.id
order by f.kind, f.key,
         case when get_byte(f.order_key, 0) = 2 then substring(f.order_key from 6) else f.order_key end desc

-- name: bodies_to_empty
-- Locks these facts, those that no other transaction has locked, and returns what their digests are made of.
select f.source, f.id, f.type, f.key, f.sequence, f.data, f.correlation, f.digest
from unnest(:sources::text[], :ids::text[]) as w (source, id)
cross join lateral (
    select * from facts
    where tenant = :tenant and source = w.source and id = w.id and emptied is null
    limit 1 for update skip locked) f

-- name: empty_bodies
-- Empties the bodies of these facts. What they are recognised by stays.
update facts f set data = '{}', extensions = null, traceparent = null, published = null, emptied = 'trimmed', digest = w.digest
from unnest(:sources::text[], :ids::text[], :digests::bytea[]) as w (source, id, digest)
cross join lateral (
    select ctid from facts where tenant = :tenant and source = w.source and id = w.id limit 1) x
where f.ctid = x.ctid

-- name: continue_sweep
-- Remembers the entity that a pass has come to.
update horizons set sweep_kind = :kind, sweep_key = :key where tenant = :tenant and sweeping is not null

-- name: end_sweep
-- Ends a pass over all entities.
update horizons set swept = sweeping, sweeping = null where tenant = :tenant and sweeping is not null

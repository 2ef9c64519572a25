-- name: entity_facts
-- The facts about an entity before a position, the last arrival first, up to the one whose data reaches :room bytes.
-- Reads what orders and voids all facts of the entity, and the whole of those in the page. A fact is older than the
-- newest one that had arrived before it and was not voided yet; Tether's own facts and activity are not compared. Few facts are ever
-- voided, so that the newest of the others is kept while going through them, and those are looked at one by one. The
-- size of data that is not compressed is known without reading it.
with of_entity as materialized (
    select source, id, position, source <> '/tether' and type <> all(:activity::text[]) as from_owner,
           array[order_key, convert_to(source, 'UTF8'), convert_to(id, 'UTF8')] as place,
           case when source = '/tether' and type = 'FactVoided.v1' then data end as void
    from facts
    where tenant = :tenant and kind = :kind and key = :key),
voids as materialized (
    select distinct on (void ->> 'source', void ->> 'id') void ->> 'source' as source, void ->> 'id' as id,
           void ->> 'reason' as reason, position
    from of_entity
    where void is not null
    order by void ->> 'source', void ->> 'id', position),
marked as materialized (
    select f.source, f.id, f.position, f.from_owner, f.place, v.position as voided_at, v.reason,
           max(f.place) filter (where f.from_owner and v.position is null)
               over (order by f.position rows between unbounded preceding and 1 preceding) as newest
    from of_entity f
    left join voids v on v.source = f.source and v.id = f.id),
voided as materialized (
    select place, position, voided_at from marked where voided_at is not null and from_owner),
judged as (
    select f.source, f.id, f.position, f.voided_at, f.reason,
           case when f.from_owner and greatest(f.newest, w.newest) > f.place then greatest(f.newest, w.newest) end
               as older_than
    from marked f
    left join lateral (
        select max(place) as newest from voided
        where position < f.position and voided_at > f.position) w on true)
select source, id, type, sequence, time, received, position, revision, correlation, data, emptied, published,
       convert_from(older_than[2], 'UTF8') as newer_source, convert_from(older_than[3], 'UTF8') as newer_id,
       voided, void_reason, size
from (
    select f.*, j.older_than, j.voided_at is not null as voided, j.reason as void_reason, z.size,
           sum(z.size) over (order by f.position desc rows unbounded preceding) - z.size as before
    from (
        select * from judged
        where position < :before and (not :stale::boolean or older_than is not null)
        order by position desc
        limit :size) j
    cross join lateral (
        select * from facts where tenant = :tenant and source = j.source and id = j.id limit 1) f
    cross join lateral (
        select case when pg_column_compression(f.data) is null then pg_column_size(f.data)
                    else octet_length(f.data::text) end as size) z) s
where before < :room
order by position desc

-- name: fact_by_order
-- A fact of an entity by its order key; reads the facts of that entity.
select source, id, type, sequence, coalesce(time, received) as time, revision, data, correlation
from facts
where tenant = :tenant and kind = :kind and key = :key and order_key = :order_key
limit 1

-- name: older_facts
-- Facts of an entity, of these types, that arrived after one of its facts and are older, without those that were voided;
-- the last arrival first, each with the value of a field; reads the facts of that entity.
select f.source, f.id, f.type, f.key, f.sequence, coalesce(f.time, f.received) as time, f.position, f.revision,
       f.order_key, f.correlation, f.data -> (:path::text[])[1] is not null as has_value, f.data #> :path::text[] as value,
       case when f.emptied is null and f.type = any(:unread::text[]) then f.data end as data
from facts f
where f.tenant = :tenant and f.kind = :kind and f.key = :key and f.source <> '/tether' and f.type = any(:types::text[])
  and f.order_key < :order_key and f.position > :position
  and not exists (
      select from facts v
      where v.tenant = :tenant and v.kind = :kind and v.key = :key and v.source = '/tether'
        and v.type = 'FactVoided.v1' and v.data ->> 'source' = f.source and v.data ->> 'id' = f.id)
order by f.position desc
limit :size

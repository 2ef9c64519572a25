-- name: facts_of_entities
-- All facts about these entities that were recorded up to a revision.
select f.source, f.id, f.type, f.kind, f.key, f.sequence, f.time, f.time_nanoseconds, f.data, f.correlation, f.position,
       f.order_key, f.emptied
from unnest(:kinds::text[], :keys::text[]) as w (kind, key)
cross join lateral (
    select * from facts where tenant = :tenant and kind = w.kind and key = w.key and revision <= :revision offset 0) f

-- name: recorded_facts
-- Those of these facts that are in the ledger, with the attributes that decide whether another delivery is the same fact.
select f.source, f.id, f.type, f.key, f.sequence, f.data, f.correlation, f.emptied, f.published
from unnest(:sources::text[], :ids::text[]) as w (source, id)
cross join lateral (
    select * from facts where tenant = :tenant and source = w.source and id = w.id limit 1) f

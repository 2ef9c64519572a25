-- name: sealed_fact
-- One of these facts that is sealed.
select f.source, f.id
from horizons h
cross join unnest(:sources::text[], :ids::text[]) as w (source, id)
cross join lateral (
    select * from facts where tenant = :tenant and source = w.source and id = w.id limit 1) f
where h.tenant = :tenant and f.revision <= h.sealed
limit 1

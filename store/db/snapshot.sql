-- name: begin_snapshot
-- The current revision of a tenant, where it would begin if it has never written; the database's clock; whether it has
-- merges; and its horizon.
select coalesce(t.revision, (select revision from newest_epoch), 0) as head, clock_timestamp() as now, coalesce(t.merges, false) as merges,
       coalesce(h.revision, 0) as horizon
from (select) one
left join tenant_revisions t on t.tenant = :tenant
left join horizons h on h.tenant = :tenant

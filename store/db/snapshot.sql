-- name: begin_snapshot
-- The current revision of a tenant, 0 if it has never written; the database's clock; and whether it has merges.
select coalesce(t.revision, 0) as head, clock_timestamp() as now, coalesce(t.merges, false) as merges
from (select) one
left join tenant_revisions t on t.tenant = :tenant

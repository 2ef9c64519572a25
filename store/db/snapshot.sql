-- name: begin_snapshot
-- The current revision of a tenant, 0 if it has never written; and the database's clock.
select coalesce((select revision from tenant_revisions where tenant = :tenant), 0) as head, clock_timestamp() as now

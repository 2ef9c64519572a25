-- name: tenants
-- All tenants that have ever written.
select tenant from tenant_revisions order by tenant

-- name: revision
-- The current revision of a tenant; if it has never written, where it would begin: 0, or after a restore the first of the
-- newest epoch.
select coalesce((select revision from tenant_revisions where tenant = :tenant), (select revision from newest_epoch), 0)

-- name: tenants
-- All tenants that have ever written.
select tenant from tenant_revisions order by tenant

-- name: revision
-- The current revision of a tenant; no row if it has never written.
select revision from tenant_revisions where tenant = :tenant

-- name: tenants
-- Everyone who has ever written.
select tenant from heads order by tenant

-- name: head
-- The current revision of a tenant; no row: it has never written.
select revision from heads where tenant = $1

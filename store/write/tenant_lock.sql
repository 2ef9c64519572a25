-- name: create_tenant_revision
-- Adds the revision row of a tenant, if there is none.
insert into tenant_revisions (tenant) values (:tenant) on conflict do nothing

-- name: lock_tenant_revision
-- Locks the revision row of a tenant. A statement of its own, so that later statements see all that was committed before.
select revision, facts, merges, voids from tenant_revisions where tenant = :tenant for update

-- name: read_after_lock
-- The time, whether any operation of a tenant is waiting for facts, and the kinds whose entities were folded by the
-- declaration that sequences begin again: after the lock, since `tether migrate` changes them while it holds it.
select clock_timestamp() as now, array(select kind from restarting_kinds) as restarting,
       exists (select from operations where tenant = :tenant and state in ('waiting', 'requested')) as open_operations

-- name: mark_voiding
-- Remembers that facts of the tenant were voided.
update tenant_revisions set voids = true where tenant = :tenant

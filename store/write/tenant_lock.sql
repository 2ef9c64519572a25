-- name: create_tenant_revision
-- Adds the revision row of a tenant, if there is none. Its revisions begin in the newest epoch: it may have written before
-- the last restore, to a database that is lost.
with newest as (
    select revision from newest_epoch for share
), created as (
    insert into tenant_revisions (tenant, revision)
    select :tenant, coalesce((select revision from newest), 0)
    on conflict do nothing
    returning tenant, revision
), begun as (
    insert into epochs (tenant, revision, restored, reason, begun_at)
    select tenant, revision, 0, 'the database was restored before the tenant began', clock_timestamp() from created
    where revision > 0
    returning tenant, revision, begun_at
)
insert into revisions (tenant, revision, at, actor, facts)
select tenant, revision, begun_at, 'tether', 0 from begun

-- name: lock_tenant_revision
-- Locks the revision row of a tenant. A statement of its own, so that later statements see all that was committed before.
select revision, facts, merges, voids from tenant_revisions where tenant = :tenant for update

-- name: read_after_lock
-- The time, whether any operation of a tenant is waiting for facts, and by which declarations entities were folded: the
-- kinds whose sequences begin again, and how facts are read. After the lock, since `tether migrate` changes them while
-- it holds it.
select clock_timestamp() as now,
       exists (select from operations where tenant = :tenant and state in ('waiting', 'requested')) as open_operations,
       array(select kind from restarting_kinds) as restarting,
       array(select concat(name, chr(10), meaning) collate "C" as line from declared_meanings order by line) as meanings

-- name: mark_voiding
-- Remembers that facts of the tenant were voided.
update tenant_revisions set voids = true where tenant = :tenant

-- name: find_database_identity
-- The identifier of the cluster and its timeline, as PostgreSQL has them and as they were at the last start (null: this
-- is the first one). The timeline is that of the log that is being written: the control file has a new one only later.
select c.system_identifier::text as system_identifier,
       left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) as timeline,
       i.system_identifier as former_system_identifier, i.timeline as former_timeline
from pg_control_system() c
left join database_identity i on true

-- name: keep_database_identity
-- Remembers the cluster and its timeline.
insert into database_identity (system_identifier, timeline) values (:system_identifier, :timeline)
on conflict (only_row) do update set system_identifier = excluded.system_identifier, timeline = excluded.timeline

-- name: begin_newest_epoch
-- Makes another epoch the newest one of the database, and returns its first revision. Its number: minutes since 2026 began,
-- by the database's clock, but one more than the former one's at least. Until the transaction ends, no tenant begins.
update newest_epoch
set revision = greatest(
    floor(extract(epoch from clock_timestamp() - timestamptz '2026-01-01 00:00:00+00') / 60)::bigint,
    (revision >> :bits::integer) + 1) << :bits::integer
returning revision

-- name: lock_tenant_revisions
-- Locks the revision rows of all tenants, in one order.
select tenant, revision as restored from tenant_revisions order by tenant for update

-- name: begin_epochs
-- Makes the first revision of an epoch the current one of these tenants, whose revision rows are locked.
with begun as (
    insert into epochs (tenant, revision, restored, reason, begun_at)
    select *, :reason, clock_timestamp()
    from unnest(:tenants::text[], :revisions::bigint[], :restored::bigint[])
    returning tenant, revision, begun_at
),
counted as (
    insert into revisions (tenant, revision, at, actor, facts)
    select tenant, revision, begun_at, 'tether', 0 from begun
)
update tenant_revisions t set revision = b.revision from begun b where t.tenant = b.tenant

-- name: restored_revision
-- The newest revision that was not lost when the next epoch after a revision began; no row if the tenant has none.
select restored from epochs where tenant = :tenant and revision > :revision order by revision limit 1

-- name: anything_was_restored
-- Whether a tenant has revisions of an earlier epoch than its present one, but for those with which epochs begin.
select exists (select from epochs where tenant = :tenant and restored & ((1::bigint << :bits::integer) - 1) > 0)

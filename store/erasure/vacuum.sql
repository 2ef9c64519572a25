-- name: older_snapshots
-- Whether a session still reads by a snapshot from before an erasure: VACUUM leaves what that may see.
select exists (
    select from pg_stat_activity a
    cross join erasures e
    where e.tenant = :tenant and e.id = :id and a.backend_xmin is not null and a.xact_start < e.erased_at
      and a.pid <> pg_backend_pid())

-- name: note_vacuum
-- Records that the former versions of the rows are gone.
update erasures set vacuumed_at = clock_timestamp() where tenant = :tenant and id = :id and vacuumed_at is null

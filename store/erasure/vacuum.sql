-- name: vacuum_begun
-- The time now.
select clock_timestamp()

-- name: older_snapshots
-- Whether a session still reads by a snapshot from before a time: VACUUM leaves what that may see.
select exists (
    select from pg_stat_activity
    where backend_xmin is not null and xact_start < :begun and pid <> pg_backend_pid())

-- name: note_rewritten
-- Records that the file of a table was written again.
update erasures set rewritten = rewritten || :table::text where tenant = :tenant and id = :id

-- name: note_vacuum
-- Records that the former versions of the rows are gone.
update erasures set vacuumed_at = clock_timestamp() where tenant = :tenant and id = :id and vacuumed_at is null

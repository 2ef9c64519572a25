-- A tenant that a restored backup did not contain may have written before all the same: its revisions begin in the
-- newest epoch of the database, like those of all others.

create table newest_epoch (
    only_row boolean primary key default true check (only_row),
    revision bigint not null
);
insert into newest_epoch (revision) select coalesce(max(revision), 0) from epochs;
comment on table newest_epoch is 'The first revision of the newest epoch, 0 before the first restore: where tenants begin that have not written yet. A tenant that begins shares a lock of it, a restore holds it alone.';

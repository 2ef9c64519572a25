-- A database that was restored from a backup may have lost revisions that clients have read. Each restore begins an
-- epoch: the number of revisions jumps, so that no number is used a second time for other facts.

create table epochs (
    tenant text collate "C",
    revision bigint not null,
    restored bigint not null,
    reason text not null,
    begun_at timestamptz not null,
    primary key (tenant, revision)
);
comment on table epochs is 'Restores of the database. revision: the first of the epoch; restored: the newest revision before it that was not lost.';

create table database_identity (
    only_row boolean primary key default true check (only_row),
    system_identifier text not null,
    timeline text not null
);
comment on table database_identity is 'The cluster and its timeline at the last start: if they differ, the database was restored, or another server was promoted.';

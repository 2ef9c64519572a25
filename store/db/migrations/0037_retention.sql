-- Retention: from which revision on everything can be read, and what was trimmed before it.

create table horizons (
    tenant text collate "C" primary key,
    revision bigint not null default 0,
    at timestamptz,
    sealed bigint not null default 0,
    held_by text,
    held_name text,
    versions_trimmed bigint not null default 0,
    pass_began timestamptz not null default '-infinity',
    next_run timestamptz not null default '-infinity',
    last_run timestamptz
);
create index horizons_due on horizons (next_run);
comment on table horizons is 'Of each tenant that retention has looked at: the first revision that can be read. Moves before rows are deleted.';
comment on column horizons.at is 'When that revision was written.';
comment on column horizons.sealed is 'Facts up to this revision cannot be voided any more.';
comment on column horizons.held_by is 'What holds the horizon back: consumer, snapshot, operation or deletion; null: nothing.';
comment on column horizons.versions_trimmed is 'All versions that ended up to this revision were looked at.';
comment on column horizons.pass_began is 'When all of them were last looked at again: some stay only as long as others do.';

create table trimmed_rows (
    tenant text collate "C",
    what text,
    rows bigint not null,
    primary key (tenant, what)
);
comment on table trimmed_rows is 'How many rows retention has deleted, or bodies it has emptied.';

create index entities_to on entities (tenant, to_revision) where to_revision < 9223372036854775807;

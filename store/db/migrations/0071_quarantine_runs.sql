-- Redrives and discards of what is in quarantine, and what became of each event.

create table quarantine_runs (
    tenant text collate "C",
    id text collate "C" default gen_random_uuid()::text,
    number bigint generated always as identity,
    action text not null,
    type text collate "C",
    code text collate "C",
    field text collate "C",
    source text collate "C",
    key text collate "C",
    event bigint,
    up_to bigint not null,
    total bigint not null,
    state text not null default 'running',
    actor text not null,
    idempotency_key text,
    request_digest bytea not null,
    position bigint not null default 0,
    accepted bigint not null default 0,
    stale bigint not null default 0,
    duplicates bigint not null default 0,
    ignored bigint not null default 0,
    refused bigint not null default 0,
    discarded bigint not null default 0,
    requested_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    next_run timestamptz not null default clock_timestamp(),
    primary key (tenant, id)
);
create unique index quarantine_runs_idempotency on quarantine_runs (tenant, actor, idempotency_key)
    where idempotency_key is not null;
create unique index quarantine_runs_listed on quarantine_runs (tenant, number);
create index quarantine_runs_open on quarantine_runs (tenant, number) where state = 'running';
comment on table quarantine_runs is 'Redrives and discards. Those of a tenant are carried out one after the other, in the order of their numbers.';
comment on column quarantine_runs.action is 'redrive or discard.';
comment on column quarantine_runs.type is 'Only events with this type; null: any. So are the next ones: code, field, source, key (of the sender), event (its id).';
comment on column quarantine_runs.up_to is 'The last event that was in quarantine when it was planned: what comes later is not touched.';
comment on column quarantine_runs.total is 'How many events were to be processed when it was planned.';
comment on column quarantine_runs.state is 'running, done or cancelled.';
comment on column quarantine_runs.position is 'The last event that was processed, or passed by. It moves in the transaction in which events leave.';
comment on column quarantine_runs.stale is 'Of the accepted ones: older than what was known.';
comment on column quarantine_runs.next_run is 'When the dispatcher starts its workflow, or starts it again.';

create table quarantine_run_events (
    tenant text collate "C",
    run text collate "C",
    event bigint,
    outcome text not null,
    code text not null default '',
    field text not null default '',
    source text,
    event_id text,
    type text,
    primary key (tenant, run, event)
);
comment on table quarantine_run_events is 'What became of each event of a run. Holds no data of it.';
comment on column quarantine_run_events.outcome is 'accepted, stale, duplicate, ignored, refused or discarded.';
comment on column quarantine_run_events.code is 'Why it was refused.';

do $$
begin
    if current_setting('server_version_num')::int >= 180000 then
        perform pg_restore_attribute_stats(
            'schemaname', 'tether', 'relname', known.relation, 'attname', known.attribute,
            'inherited', false, 'null_frac', 0::real, 'avg_width', 12, 'n_distinct', known.n_distinct::real)
        from (values ('quarantine_runs', 'tenant', 10), ('quarantine_runs', 'id', -1), ('quarantine_runs', 'number', -1),
                     ('quarantine_runs', 'actor', 5), ('quarantine_runs', 'idempotency_key', -0.9),
                     ('quarantine_run_events', 'tenant', 10), ('quarantine_run_events', 'run', -0.001),
                     ('quarantine_run_events', 'event', -0.5))
            as known (relation, attribute, n_distinct);
    end if;
end $$;

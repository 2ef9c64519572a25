-- Erasures: the data of one entity is emptied wherever it is kept. The rows of facts stay, with what orders and links them.

comment on column facts.emptied is 'Why data has no more than it needs although the fact had more: trimmed or erased; null: it is as it was recorded.';

create table erasures (
    tenant text collate "C",
    id text collate "C" default gen_random_uuid()::text,
    kind text collate "C" not null,
    key text collate "C" not null,
    state text not null default 'requested',
    reason text not null,
    actor text not null,
    idempotency_key text,
    request_digest bytea not null,
    requested_at timestamptz not null default clock_timestamp(),
    position bigint,
    revision bigint,
    erased_at timestamptz,
    rows jsonb not null default '{}',
    owner text,
    command text,
    owner_state text not null,
    owner_error text not null default '',
    owner_at timestamptz,
    rewrite boolean not null default false,
    vacuumed_at timestamptz,
    ended_at timestamptz,
    next_run timestamptz not null default clock_timestamp(),
    primary key (tenant, id)
);
create unique index erasures_idempotency on erasures (tenant, actor, idempotency_key) where idempotency_key is not null;
create index erasures_of_entity on erasures (tenant, kind, key, requested_at);
create index erasures_open on erasures (next_run) where state <> 'done';
comment on table erasures is 'Requests to erase the data of an entity. Each row is its certificate in the end: it holds keys and counts, no data.';
comment on column erasures.state is 'requested; erased: no read finds the data any more; done: nothing is left to do.';
comment on column erasures.reason is 'For people.';
comment on column erasures.position is 'Of its fact EntityErased in the ledger: facts before it are erased, facts after it are not.';
comment on column erasures.rows is 'Table to number of rows that were emptied.';
comment on column erasures.owner_state is 'none: no command is declared; pending; accepted, missing (the owner knows no such entity) or refused.';
comment on column erasures.rewrite is 'Whether the files of the tables are written again: while that lasts, nothing else can use them.';
comment on column erasures.vacuumed_at is 'When the former versions of the emptied rows were removed from the tables.';
comment on column erasures.next_run is 'When the dispatcher starts its workflow, or starts it again.';

create index operations_errors on operations (tenant, coalesce(child, key)) where last_error <> '';
create index operation_children_errors on operation_children (tenant, child) where last_error <> '';
comment on index operations_errors is 'What owners said about an entity, which is erased with it. So is the next one.';

do $$
begin
    if current_setting('server_version_num')::int >= 180000 then
        perform pg_restore_attribute_stats(
            'schemaname', 'tether', 'relname', 'erasures', 'attname', known.attribute,
            'inherited', false, 'null_frac', 0::real, 'avg_width', 12, 'n_distinct', known.n_distinct::real)
        from (values ('tenant', 1), ('id', -1), ('kind', 5), ('key', -0.9), ('idempotency_key', -0.9), ('actor', 5))
            as known (attribute, n_distinct);
    end if;
end $$;

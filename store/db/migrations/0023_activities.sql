-- Activity: what happened to entities, in feeds that are appended to and never folded. Derived from facts of the ledger,
-- which keeps their data.

create table activities (
    tenant text collate "C",
    from_revision bigint not null,
    to_revision bigint not null default 9223372036854775807,
    position bigint not null,
    feed text collate "C" not null,
    kind text collate "C" not null,
    key text collate "C" not null,
    happened timestamptz not null,
    happened_nanoseconds smallint not null,
    type text collate "C" not null,
    source text collate "C" not null,
    id text collate "C" not null,
    primary key (tenant, from_revision, position)
);
create index activities_of_entity on activities (tenant, kind, key, happened, happened_nanoseconds, position);
create index activities_voided on activities (tenant, to_revision, position) where to_revision < 9223372036854775807;
comment on table activities is 'One fact of activity: feed is its own kind; kind and key are those of the entity that it is about, as its owner stated them.';
comment on column activities.happened is 'The time that the fact states; without one, when it was received.';
comment on column activities.to_revision is 'The revision at which the fact was voided.';

do $$
declare
    known record;
begin
    if current_setting('server_version_num')::int < 180000 then
        return;
    end if;
    for known in
        select * from (values
            ('tenant', 1), ('from_revision', -0.01), ('to_revision', 2), ('position', -1), ('feed', 5), ('kind', 5),
            ('key', -0.1), ('happened', -0.9), ('happened_nanoseconds', 100), ('type', 10), ('source', 20), ('id', -1)
        ) as k (attribute, n_distinct)
    loop
        perform pg_restore_attribute_stats(
            'schemaname', 'tether', 'relname', 'activities', 'attname', known.attribute::text, 'inherited', false,
            'null_frac', 0::real, 'avg_width', 12, 'n_distinct', known.n_distinct::real);
    end loop;
end $$;

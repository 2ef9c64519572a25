-- Merges by name: one row for each merge that a caller requested or a fact says.

create table merges (
    tenant text collate "C",
    id text collate "C",
    kind text collate "C" not null,
    survivor text collate "C" not null,
    losers text[] collate "C" not null,
    reason text not null default '',
    created_at timestamptz not null,
    source text collate "C",
    fact text collate "C",
    revision bigint,
    proof jsonb,
    primary key (tenant, id)
);
create index merges_listed on merges (tenant, created_at, id);
comment on table merges is 'Every merge: of a fact of an owner, or of an operation with the same id. What its pairs are now is in merge_pairs.';
comment on column merges.survivor is 'As the fact or the request names it; the rule of the kind decides which key remains.';
comment on column merges.fact is 'With source: the first of its facts; null: it was requested, and no fact is recorded yet.';
comment on column merges.revision is 'The revision of its facts. They are visible from it on.';
comment on column merges.proof is 'Of a merge that an operation carried out: what it conserved, as store/read/merge_proof.py counts it.';

do $$
begin
    if current_setting('server_version_num')::int >= 180000 then
        perform pg_restore_attribute_stats(
            'schemaname', 'tether', 'relname', 'merges', 'attname', known.attribute,
            'inherited', false, 'null_frac', 0::real, 'avg_width', 12, 'n_distinct', known.n_distinct::real)
        from (values ('tenant', 1), ('id', -1), ('kind', 5)) as known (attribute, n_distinct);
    end if;
end $$;

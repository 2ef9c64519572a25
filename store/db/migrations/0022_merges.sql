-- Merges: which keys are the same entity. All of it is derived from facts of the ledger.

alter table tenant_revisions add column merges boolean not null default false;
comment on column tenant_revisions.merges is 'Whether the tenant has ever recorded a fact about identity: others need no look at aliases.';

create table merge_pairs (
    tenant text collate "C",
    kind text collate "C",
    loser text collate "C",
    survivor text collate "C",
    merged boolean not null,
    order_key bytea not null,
    source text collate "C" not null,
    id text collate "C" not null,
    set_aside text[],
    primary key (tenant, kind, loser, survivor)
);
create index merge_pairs_of_survivor on merge_pairs (tenant, kind, survivor);
create index merge_pairs_of_fact on merge_pairs (tenant, source, id);
comment on table merge_pairs is 'Of each pair that facts have merged or unmerged: the last of those facts (source, id) in their order.';
comment on column merge_pairs.set_aside is 'The keys from one of a forbidden pair to the other that this pair would join; null: it is joined, or not merged.';

create table forbidden_pairs (
    tenant text collate "C",
    kind text collate "C",
    one text collate "C",
    other text collate "C",
    forbidden boolean not null,
    order_key bytea not null,
    source text collate "C" not null,
    id text collate "C" not null,
    primary key (tenant, kind, one, other)
);
create index forbidden_pairs_of_other on forbidden_pairs (tenant, kind, other);
comment on table forbidden_pairs is 'Of each pair that must never be merged, or may be again: the last of those facts. one is smaller than other.';

create table aliases (
    tenant text collate "C",
    kind text collate "C",
    key text collate "C",
    survivor text collate "C" not null,
    from_revision bigint not null,
    to_revision bigint not null default 9223372036854775807,
    primary key (tenant, kind, key, to_revision)
);
create index aliases_of_survivor on aliases (tenant, kind, survivor, key, to_revision);
create index aliases_from on aliases (tenant, from_revision);
create index aliases_to on aliases (tenant, to_revision) where to_revision < 9223372036854775807;
comment on table aliases is 'Key that was merged to the survivor of its cluster, directly: no survivor has a row of its own.';

alter table links add column stated_child text collate "C", add column stated_parent text collate "C";
comment on column links.stated_child is 'The key under which the child''s owner knows it, where that is merged into child; null: it is child.';
comment on column links.stated_parent is 'The key that the child''s owner stated, where that is merged into parent; null: it is parent.';

create or replace function missing_side(tenant text, relationship text, parent text, parent_kind text, asked boolean)
returns text stable language sql as $$
    select case when s.state = 'unknown' and s.has_child then 'parent'
                when s.state = 'live' and asked and not s.has_child and not exists (
                    select from aliases a
                    where a.tenant = $1 and a.kind = $4 and a.key = $3 and a.to_revision = 9223372036854775807) then 'child' end
    from (select (select e.state from entities e
                  where e.tenant = $1 and e.kind = $4 and e.key = $3 and e.to_revision = 9223372036854775807) as state,
                 exists (select from links l
                         where l.tenant = $1 and l.relationship = $2 and l.parent = $3
                           and l.to_revision = 9223372036854775807 and not l.of_former_incarnation) as has_child) s
$$;

do $$
declare
    known record;
begin
    if current_setting('server_version_num')::int < 180000 then
        return;
    end if;
    for known in
        select * from (values
            ('aliases', 'tenant', 1, 0), ('aliases', 'kind', 5, 0), ('aliases', 'key', -0.9, 0),
            ('aliases', 'survivor', -0.5, 0), ('aliases', 'from_revision', -0.01, 0),
            ('merge_pairs', 'tenant', 1, 0), ('merge_pairs', 'kind', 5, 0), ('merge_pairs', 'loser', -0.9, 0),
            ('merge_pairs', 'survivor', -0.5, 0), ('merge_pairs', 'id', -0.5, 0),
            ('forbidden_pairs', 'tenant', 1, 0), ('forbidden_pairs', 'kind', 5, 0), ('forbidden_pairs', 'one', -0.5, 0),
            ('forbidden_pairs', 'other', -0.5, 0),
            ('links', 'stated_child', -0.1, 0.99), ('links', 'stated_parent', -0.1, 0.99)
        ) as k (relation, attribute, n_distinct, null_frac)
    loop
        perform pg_restore_attribute_stats(
            'schemaname', 'tether', 'relname', known.relation::text, 'attname', known.attribute::text,
            'inherited', false, 'null_frac', known.null_frac::real, 'avg_width', 12, 'n_distinct', known.n_distinct::real);
    end loop;
end $$;

-- Snapshots that are read over HTTP: a row for each is its lease and its progress. What it holds is read from the
-- versions, as of its revision.

create table snapshots (
    tenant text collate "C",
    id text collate "C" default gen_random_uuid()::text,
    kind text collate "C",
    relationship text collate "C",
    replica text collate "C",
    revision bigint not null,
    actor text not null,
    total bigint,
    rows_sent bigint not null default 0,
    started_at timestamptz not null default clock_timestamp(),
    last_read_at timestamptz not null default clock_timestamp(),
    leased_until timestamptz not null,
    ended_at timestamptz,
    primary key (tenant, id),
    check (num_nonnulls(kind, relationship, replica) = 1)
);
create index snapshots_leased on snapshots (tenant, leased_until);
comment on table snapshots is 'Snapshots that are, or were, read over HTTP. Nothing that one still needs is trimmed while it is leased.';
comment on column snapshots.revision is 'The revision that all of its rows are as of.';
comment on column snapshots.actor is 'Name of the API key that began it.';
comment on column snapshots.total is 'Its rows; null: they are being counted.';
comment on column snapshots.rows_sent is 'Rows sent so far. Those that were sent again after an interruption count again.';
comment on column snapshots.leased_until is 'Its rows, and the feed from its revision on, stay readable until then; every page that is read prolongs it.';
comment on column snapshots.ended_at is 'When its last row was sent; null: it is being read, or was given up.';

-- The links of a relationship at a revision, by child, after a key, each with its state as the feed has it: without
-- what depends on the clock. The child that holds a parent is looked up only where a parent may have one alone.
create function links_at(
    tenant text, relationship text, parent_kind text, exclusive boolean, at bigint, after text, size int)
returns table (child text, parent text, state text, stated_child text, stated_parent text) stable language sql as $$
    select l.child, l.parent,
           case when l.of_former_incarnation or p.state = 'deleted' then 'broken'
                when p.state is distinct from 'live' then 'waiting'
                when $4 and l.child <> (
                    select o.child from links o
                    where o.tenant = $1 and o.relationship = $2 and o.parent = l.parent
                      and o.to_revision > $5 and not o.of_former_incarnation and o.from_revision + 0 <= $5
                    order by o.rank, o.child
                    limit 1) then 'conflict'
                else 'linked' end,
           l.stated_child, l.stated_parent
    from (
        select child, parent, of_former_incarnation, stated_child, stated_parent from links
        where tenant = $1 and relationship = $2 and to_revision > $5 and from_revision <= $5 and child > $6
        order by child
        limit $7) l
    left join lateral (
        select e.state from entities e
        where e.tenant = $1 and e.kind = $3 and e.key = l.parent and e.to_revision > $5 and e.from_revision <= $5
        order by e.to_revision limit 1) p on true
$$;
comment on function links_at is 'A page of the links of a relationship at a revision, by child, each with its state then.';

create function row_hash(canonical text) returns bigint stable language sql
return ('x' || encode(substring(sha256(convert_to(canonical, 'UTF8')) for 8), 'hex'))::bit(64)::bigint;
do $$
begin
    if current_setting('server_version_num')::int >= 180000 then  -- which has a cast that takes a third of the time
        create or replace function row_hash(canonical text) returns bigint stable language sql
        return substring(sha256(convert_to(canonical, 'UTF8')) for 8)::bigint;
    end if;
end $$;
comment on function row_hash is 'The first eight bytes of the SHA-256 of a row''s canonical JSON: tether/audits.py computes the same.';

create function key_is_in(key text, prefixes text[]) returns boolean stable language sql
return prefixes is null
    or left(encode(sha256(convert_to(key, 'UTF8')), 'hex'), length(prefixes[1])) = any(prefixes);
comment on function key_is_in is 'Whether the SHA-256 of a key begins, in hex, with one of these prefixes, which all have one length; null: any key is.';

do $$
begin
    if current_setting('server_version_num')::int >= 180000 then
        perform pg_restore_attribute_stats(
            'schemaname', 'tether', 'relname', 'snapshots', 'attname', known.attribute,
            'inherited', false, 'null_frac', 0::real, 'avg_width', 12, 'n_distinct', known.n_distinct::real)
        from (values ('tenant', 1), ('id', -1)) as known (attribute, n_distinct);
    end if;
end $$;

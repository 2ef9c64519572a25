-- Operations of every kind: moves, deletions with their cascades, plans; each is carried out by a workflow.

alter table intents rename column relationship to about;
alter table intents rename column parent to key;
alter table intents add column workflow text collate "C" not null default 'relationship';
alter table intents drop constraint intents_pkey;
alter table intents add primary key (tenant, workflow, about, key, source, id);
comment on column intents.workflow is 'relationship, move, cascade or plan.';
comment on column intents.about is 'The relationship; of a cascade: the kind; of a plan: its kind.';
comment on column intents.key is 'The parent; of a move: the child; of a cascade: the entity that is gone; of a plan: its operation.';

alter table operations alter column relationship drop not null;
alter table operations alter column parent drop not null;
alter table operations alter column child drop not null;
alter table operations alter column due drop not null;
alter table operations
    add column workflow text collate "C" not null default 'relationship',
    add column about text collate "C",
    add column key text collate "C",
    add column plan text collate "C",
    add column former text collate "C",
    add column incarnation text,
    add column answered text,
    add column asked_at timestamptz,
    add column cancelled_at timestamptz,
    add column stuck_since timestamptz,
    add column found bigint not null default 0,
    add column asked bigint not null default 0,
    add column done bigint not null default 0,
    add column spared bigint not null default 0,
    add column parked bigint not null default 0,
    add column pending bigint not null default 0;
update operations set about = relationship, key = parent;
alter table operations alter column about set not null, alter column key set not null;
alter table operations alter column workflow drop default;
drop index operations_waiting;
create index operations_open on operations (tenant, state, workflow, about, key)
    where state in ('waiting', 'asked', 'running');
create index operations_of_parent on operations (tenant, relationship, parent) where state in ('waiting', 'asked');
create index operations_of_child on operations (tenant, relationship, child) where state in ('waiting', 'asked');
create index operations_of_lives on operations (tenant, workflow, about, key, incarnation) where incarnation is not null;
create index operations_listed on operations (tenant, created_at, id);
comment on column operations.about is 'With workflow and key: which workflow carries it out, as in intents.';
comment on column operations.former is 'Of a move: the parent that the child was in when its owner was asked.';
comment on column operations.incarnation is 'Of a cascade: the life of the entity that follows its end, which names that end.';
comment on column operations.answered is 'Of a move: the owner''s fact that came of it.';
comment on column operations.cancelled_at is 'When somebody wished it to stop.';
comment on column operations.found is 'Children come to so far; of them asked: at their owner, done, spared (not there any more), parked (refused).';
comment on column operations.pending is 'Children not come to yet, when it was looked last.';

create table items (
    tenant text collate "C",
    operation text collate "C",
    relationship text collate "C",
    child text collate "C",
    parent text collate "C" not null,
    state text not null,
    reference bytea not null default '',
    tries integer not null default 0,
    round integer not null default 0,
    reason text not null default '',
    at timestamptz not null default now(),
    primary key (tenant, operation, relationship, child)
);
create index items_open on items (tenant, operation, relationship, child)
    where state in ('planned', 'failing', 'asked', 'parked');
comment on table items is 'Children that an operation concerns: planned, failing, asked, done, spared or parked.';
comment on column items.round is 'How often somebody had it asked for anew after its owner had refused.';
comment on column items.reference is 'Order key of the fact by which the child belonged to the parent when its owner was asked.';

create table plans (
    tenant text collate "C",
    id text collate "C",
    kind text not null,
    request json not null,
    revision bigint not null,
    hash text not null,
    report json not null,
    actor text not null,
    created_at timestamptz not null,
    operation text collate "C",
    primary key (tenant, id)
);
comment on table plans is 'Previews of operations, each bound to a revision; operation: what executed it.';

alter table definitions add column policy text not null default 'keep';
comment on column definitions.policy is 'What becomes of the children of a parent that is gone, as it was when this was looked at last.';

create function concerned_by_deletion(
    tenant text, kind text, key text, at bigint, names text[], parents text[], children text[], policies text[])
returns table (relationship text, child text, parent text) stable language sql as $$
    with recursive rules as (
        select * from unnest($5, $6, $7, $8) as r (name, parent, child, policy)
    ), doomed as (
        select $2 collate "C" as kind, $3 collate "C" as key
        union
        select r.child collate "C", l.child
        from doomed d
        join rules r on r.parent = d.kind and r.policy = 'cascade'
        cross join lateral (
            select l.child from links l
            where l.tenant = $1 and l.relationship = r.name and l.parent = d.key
              and l.to_revision > $4 and l.from_revision <= $4 offset 0) l
    )
    select r.name, l.child, d.key
    from doomed d
    join rules r on r.parent = d.kind
    cross join lateral (
        select l.child from links l
        where l.tenant = $1 and l.relationship = r.name and l.parent = d.key
          and l.to_revision > $4 and l.from_revision <= $4 offset 0) l
$$;
comment on function concerned_by_deletion is 'Every link to an entity, and to what would be deleted with it, at a revision: by the rules of relationships (name, kinds, policy).';

create function concerned_by_change(
    tenant text, relationship text, parent text, children text[], target text, at bigint)
returns table (relationship text, child text, parent text) stable language sql as $$
    select $2, l.child, l.parent
    from (select l.child, l.parent from links l
          where l.tenant = $1 and l.relationship = $2 and l.parent = $3 and l.to_revision > $6 and l.from_revision <= $6
          union
          select l.child, l.parent
          from unnest($4) as w (child)
          cross join lateral (
              select l.child, l.parent from links l
              where l.tenant = $1 and l.relationship = $2 and l.child = w.child
                and l.to_revision > $6 and l.from_revision <= $6
              order by l.to_revision limit 1) l) l
    where l.parent is distinct from $5
$$;
comment on function concerned_by_change is 'Links of the children of a parent, and of those that are named, at a revision; without those to the target.';

-- What the planner shall believe before the first ANALYZE; see 0002.
do $$
declare
    known record;
begin
    if current_setting('server_version_num')::int < 180000 then
        return;
    end if;
    for known in
        select * from (values
            ('operations', 'tenant', 1), ('operations', 'id', -1), ('operations', 'state', 9),
            ('operations', 'workflow', 4), ('operations', 'about', 20), ('operations', 'key', -0.5),
            ('operations', 'relationship', 20), ('operations', 'parent', -0.05), ('operations', 'child', -0.5),
            ('items', 'tenant', 1), ('items', 'operation', -0.001), ('items', 'relationship', 20),
            ('items', 'child', -0.9), ('items', 'state', 6)
        ) as k (relation, attribute, n_distinct)
    loop
        perform pg_restore_attribute_stats(
            'schemaname', 'tether', 'relname', known.relation::text, 'attname', known.attribute::text,
            'inherited', false, 'null_frac', 0::real, 'avg_width', 12, 'n_distinct', known.n_distinct::real);
    end loop;
end $$;

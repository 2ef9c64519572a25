-- The whole of what is remembered. Every key starts with the tenant.
--
-- Versions: a row of entities or links is valid over [from_revision, to_revision). What is still open ends
-- at 9223372036854775807, so that one index serves "now" and "as of". Text compares by bytes, everywhere.
-- No foreign keys: a reference may precede what it names.

create table heads (
    tenant text collate "C" primary key,
    revision bigint not null default 0
);
comment on table heads is 'Hands out revisions: its row is locked first in every write, so that revision order is commit order.';

create table revisions (
    tenant text collate "C",
    revision bigint,
    at timestamptz not null,
    actor text not null,
    facts integer not null,
    primary key (tenant, revision)
);
comment on table revisions is 'When, and by whom, each revision was written.';

create table facts (
    tenant text collate "C",
    source text collate "C",
    id text collate "C",
    revision bigint not null,
    type text collate "C" not null,
    kind text collate "C" not null,
    key text collate "C" not null,
    sequence text collate "C",
    order_key bytea not null,
    time timestamptz,
    data json not null,
    correlation text,
    causation text,
    traceparent text,
    extensions json,
    digest bytea not null,
    received timestamptz not null,
    primary key (tenant, source, id)
);
create index facts_of_entity on facts (tenant, kind, key);
create index facts_of_tether on facts (tenant, revision) where source = '/tether';
comment on table facts is 'The ledger: append only. All else can be rebuilt from it.';

create table entities (
    tenant text collate "C",
    kind text collate "C",
    key text collate "C",
    state text not null,
    sequence text,
    data json not null,
    latest bytea not null,
    created bytea not null,
    ended bytea not null,
    older jsonb,
    refs jsonb,
    from_revision bigint not null,
    to_revision bigint not null default 9223372036854775807,
    primary key (tenant, kind, key, to_revision)
);
create index entities_from on entities (tenant, from_revision);
create index entities_not_live on entities (tenant, kind, state, key)
    where state <> 'live' and to_revision = 9223372036854775807;
comment on table entities is 'Folded state of one kind and key; unknown is a placeholder for a parent that was only referred to.';
comment on column entities.latest is 'Order key of the newest fact; created, ended: of the newest of that effect; empty: none.';
comment on column entities.older is 'Field to order key (hex), for fields that an older fact than latest has set.';
comment on column entities.refs is 'Relationship to [order key (hex), parent], for references that are not in a field.';

create table links (
    tenant text collate "C",
    relationship text collate "C",
    child text collate "C",
    parent text collate "C" not null,
    rank bytea,
    since timestamptz not null,
    from_revision bigint not null,
    to_revision bigint not null default 9223372036854775807,
    primary key (tenant, relationship, child, to_revision)
);
create index links_of_parent on links (tenant, relationship, parent, child, to_revision);
create index links_from on links (tenant, from_revision);
create index links_to on links (tenant, to_revision) where to_revision < 9223372036854775807;
comment on table links is 'Child refers to parent: depends on the child''s facts alone. Its state follows from the parent''s row.';
comment on column links.rank is 'One-to-one only: order key of the child''s creation; the smallest holds the link, others conflict.';

create table waits (
    tenant text collate "C",
    relationship text collate "C",
    parent text collate "C",
    lacks text not null,
    debtor text collate "C" not null,
    since timestamptz not null,
    due timestamptz not null,
    start_at timestamptz not null,
    started_at timestamptz,
    told_at timestamptz,
    note text not null default '',
    primary key (tenant, relationship, parent)
);
create index waits_to_start on waits (tenant, start_at) where started_at is null;
create index waits_due on waits (tenant, due) where started_at is null;
create index waits_open on waits (tenant) where started_at is not null and told_at is null;
create index waits_started on waits (started_at) where started_at is not null and told_at is null;
comment on table waits is 'Exists exactly while this instance lacks its parent or its counterpart: who owes it, since when, until when.';

create function lacking(tenant text, relationship text, parent text, parent_kind text, asked boolean)
returns text stable language sql as $$
    select case when s.state = 'unknown' and s.has_child then 'parent'
                when s.state = 'live' and asked and not s.has_child then 'child' end
    from (select (select e.state from entities e
                  where e.tenant = $1 and e.kind = $4 and e.key = $3 and e.to_revision = 9223372036854775807) as state,
                 exists (select from links l
                         where l.tenant = $1 and l.relationship = $2 and l.parent = $3
                           and l.to_revision = 9223372036854775807) as has_child) s
$$;
comment on function lacking is 'What an instance of a relationship waits for: its parent, its child (if that is asked for), or nothing (null).';

create table intents (
    tenant text collate "C",
    relationship text collate "C",
    parent text collate "C",
    source text collate "C",
    id text collate "C",
    fact text not null,
    revision bigint not null,
    created_at timestamptz not null,
    claimed_at timestamptz,
    dispatched_at timestamptz,
    primary key (tenant, relationship, parent, source, id)
);
create index intents_to_dispatch on intents (created_at) where dispatched_at is null;
create index intents_dispatched on intents (dispatched_at) where dispatched_at is not null;
comment on table intents is 'Outbox towards Temporal: a workflow to be started or told of a fact. Stays until that workflow has read it.';

create table operations (
    tenant text collate "C",
    id text collate "C",
    kind text not null,
    relationship text collate "C" not null,
    parent text collate "C" not null,
    child text collate "C" not null,
    state text not null,
    reason text not null default '',
    actor text not null,
    created_at timestamptz not null,
    due timestamptz not null,
    ended_at timestamptz,
    revision bigint,
    idempotency_key text,
    request_digest bytea,
    primary key (tenant, id)
);
create unique index operations_idempotency on operations (tenant, actor, idempotency_key);
create index operations_waiting on operations (tenant, relationship, parent) where state = 'waiting';
comment on table operations is 'Work that a caller started.';

create table quarantine (
    tenant text collate "C",
    id bigint generated always as identity,
    digest bytea not null,
    source text,
    event_id text,
    type text,
    reason text not null,
    raw bytea not null,
    received timestamptz not null,
    times integer not null default 1,
    primary key (tenant, id),
    unique (tenant, digest)
);
comment on table quarantine is 'Facts that could not be taken, as they came, each with its reason.';

create table credentials (
    digest bytea primary key,
    tenant text collate "C" not null,
    name text not null,
    scope text not null,
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);
comment on table credentials is 'API keys, by the SHA-256 of the key (keys are 256 random bits).';

create table definitions (
    relationship text collate "C" primary key,
    body jsonb not null,
    settled_at timestamptz not null
);
comment on table definitions is 'The relationships whose links the tables hold, as they were declared when they were settled.';

-- Webhooks: consumers to which the feed is delivered, what could not be delivered, and the last attempts.

create table webhooks (
    tenant text collate "C",
    consumer text collate "C",
    url text not null,
    secret text not null,
    former_secret text,
    former_until timestamptz,
    batch integer not null,
    consented boolean not null,
    state text not null,
    reason text not null default '',
    failures integer not null default 0,
    failing_since timestamptz,
    several_failed boolean not null default false,
    retry_at timestamptz,
    attempts bigint not null default 0,
    actor text not null,
    created_at timestamptz not null,
    primary key (tenant, consumer),
    foreign key (tenant, consumer) references consumers (tenant, name) on delete cascade
) with (fillfactor = 50);
comment on table webhooks is 'Where the feed is delivered to for a consumer. Its row is locked by whoever changes what is delivered.';
comment on column webhooks.secret is 'Signs deliveries, so it is kept as it is. No answer, log or history shows it.';
comment on column webhooks.former_secret is 'Signs as well, until former_until: the one before the last rotation.';
comment on column webhooks.consented is 'The receiver has consented to deliveries, or is not to be asked.';
comment on column webhooks.state is 'active or disabled; reason says why it is disabled, or why the last attempt failed.';
comment on column webhooks.failures is 'Attempts in a row at which the receiver failed at everything; retry_at: when the next one is.';
comment on column webhooks.failing_since is 'The first failure since the last success. several_failed: different items have failed since.';

create table undelivered (
    tenant text collate "C",
    consumer text collate "C",
    item text collate "C",
    read_after text collate "C" not null,
    subject text collate "C" not null,
    state text not null,
    failures integer not null,
    due timestamptz,
    failed_at timestamptz,
    status integer,
    words text not null default '',
    primary key (tenant, consumer, item),
    foreign key (tenant, consumer) references webhooks (tenant, consumer) on delete cascade
);
create index undelivered_of_subject on undelivered (tenant, consumer, subject, item) where state <> 'resend';
create index undelivered_due on undelivered (tenant, consumer, due) where due is not null;
comment on table undelivered is 'Items before the position of a webhook''s consumer that its receiver has not accepted. Their content is read from the feed.';
comment on column undelivered.item is 'The item''s id, which is the offset after it. read_after: an offset shortly before it.';
comment on column undelivered.state is 'failing: retried when due; behind: an earlier item of its subject is here; parked: until it is redriven; resend: an operator wants it delivered again.';

create table delivery_attempts (
    tenant text collate "C",
    consumer text collate "C",
    slot integer,
    number bigint not null,
    at timestamptz not null,
    first_item text collate "C" not null,
    last_item text collate "C" not null,
    items integer not null,
    outcome text not null,
    status integer,
    words text not null,
    milliseconds integer not null,
    primary key (tenant, consumer, slot),
    foreign key (tenant, consumer) references webhooks (tenant, consumer) on delete cascade
) with (fillfactor = 50);
comment on table delivery_attempts is 'The last requests to each receiver, with its answers: a ring, in which slot is number modulo its size.';

-- Consumers: who follows the feed by name, and how far each has acknowledged it.

create table consumers (
    tenant text collate "C",
    name text collate "C",
    filter json not null,
    starts_at text collate "C" not null,
    position_revision bigint not null,
    position text collate "C" not null,
    generation bigint not null,
    holder text not null,
    generation_at timestamptz not null,
    at_risk_seconds bigint not null,
    note text not null,
    actor text not null,
    created_at timestamptz not null,
    acknowledged_at timestamptz,
    primary key (tenant, name)
) with (fillfactor = 50);
comment on table consumers is 'Who follows the feed by name. Acknowledgements change a row without changing an index, and take no other lock.';
comment on column consumers.filter is 'The query parameters of the feed that select its items.';
comment on column consumers.starts_at is 'The offset of its registration, as it was requested: -1, now, or one of the feed.';
comment on column consumers.position_revision is 'The first revision that is not acknowledged as a whole; everything before it is. It expires once the horizon reaches it.';
comment on column consumers.position is 'The offset in the feed up to which it has acknowledged. Offsets sort like the items of the feed.';
comment on column consumers.generation is 'Acknowledgements of another one are refused.';
comment on column consumers.holder is 'Who began the generation.';
comment on column consumers.at_risk_seconds is 'It is at risk once its oldest revision that is not acknowledged is older than this.';

create table consumer_generations (
    tenant text collate "C" primary key,
    generation bigint not null
);
comment on table consumer_generations is 'The newest generation of a tenant. None recurs, also if a consumer is deleted and registered again.';

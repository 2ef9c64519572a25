-- What owners were asked, in the words of the first attempt.

create table wordings (
    tenant text collate "C",
    idempotency_key text collate "C",
    fields json not null,
    primary key (tenant, idempotency_key)
);
comment on table wordings is 'What an owner is asked under an Idempotency-Key: as it was at the first attempt, whatever the entity has become.';

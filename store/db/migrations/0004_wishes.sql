-- What a wish was about: the life of an entity that is to be deleted; the request that an Idempotency-Key stands for.

alter table operations add column wished_after bytea;
comment on column operations.wished_after is 'Order key of the newest fact of the entity when its deletion was wished, of the child when its owner was asked to move it: an end after that is what was wished, or makes it another child.';
update operations o
set wished_after = (select e.latest from entities e
                    where e.tenant = o.tenant and e.kind = o.about and e.key = o.key and e.to_revision = 9223372036854775807)
where o.kind = 'delete' and o.state in ('waiting', 'asked');

alter table items add column since bigint;
comment on column items.since is 'The revision from which it had belonged to its parent when it was first asked for.';

alter table operations add column cause text collate "C";
create index operations_of_cause on operations (tenant, cause, created_at, id) where cause is not null;
comment on column operations.cause is 'Of a cascade: the operation that asked for the entity''s end.';

-- Of its own, since an operation that is under way already is joined by requests with keys of their own.
create table requests (
    tenant text collate "C",
    actor text collate "C",
    idempotency_key text collate "C",
    digest bytea not null,
    operation text collate "C" not null,
    primary key (tenant, actor, idempotency_key)
);
comment on table requests is 'Which operation a caller''s Idempotency-Key began or joined.';
comment on column requests.digest is 'Of the request: the same key with another one is a mistake.';
insert into requests
select tenant, actor, idempotency_key, request_digest, id from operations where idempotency_key is not null;
drop index operations_idempotency;
alter table operations drop column idempotency_key, drop column request_digest;

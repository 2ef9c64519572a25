-- Ended work that is old enough is deleted: what leads to it.

create index idempotency_keys_of_operation on idempotency_keys (tenant, operation);
create index plans_listed on plans (tenant, created_at, id);

alter table request_bodies add column created_at timestamptz not null default clock_timestamp();
create index request_bodies_listed on request_bodies (tenant, created_at);
comment on column request_bodies.created_at is 'When the body was first sent; of bodies of earlier versions: when they got this column.';

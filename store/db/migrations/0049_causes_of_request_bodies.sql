-- What led to a request, so that the erasure of an entity finds bodies that were filled from it and do not have its key.

alter table request_bodies add column cause text collate "C";
comment on column request_bodies.cause is 'The entity, as kind/key, or the operation that led to the request; null: an earlier version sent it.';

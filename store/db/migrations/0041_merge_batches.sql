-- Merges of one request are carried out by one operation.

alter table merges add column operation text collate "C";
create index merges_of_operation on merges (tenant, operation) where operation is not null;
comment on column merges.operation is 'The operation that proves it and retires its losers with those of other merges; null: the one with its own id, or none.';

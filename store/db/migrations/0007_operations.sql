-- Renames tables, columns and states of operations to the words of docs/glossary.md, and carries the rows over.

alter table requests rename to idempotency_keys;
alter index requests_pkey rename to idempotency_keys_pkey;
comment on table idempotency_keys is 'The operation that each caller''s Idempotency-Key started or joined.';
comment on column idempotency_keys.digest is 'BLAKE2b of the request: the same key with another request is refused.';

alter table wordings rename to request_bodies;
alter index wordings_pkey rename to request_bodies_pkey;
comment on table request_bodies is 'The request body sent under each Idempotency-Key of ours, as it was at the first attempt: retries repeat it although the entity may have changed.';

alter table items rename to operation_children;
alter index items_pkey rename to operation_children_pkey;
alter table operation_children rename column since to linked_revision;
alter table operation_children rename column tries to attempts;
alter table operation_children rename column round to redrives;
alter table operation_children rename column reason to last_error;
alter table operation_children rename column at to changed_at;
alter table operation_children
    add column skip_reason text,
    add column park_reason text,
    add column details jsonb;
drop index items_open;
update operation_children
set state = case state when 'asked' then 'requested' when 'done' then 'confirmed' when 'spared' then 'skipped' end
where state in ('asked', 'done', 'spared');
create index operation_children_open on operation_children (tenant, operation, relationship, child)
    where state in ('planned', 'failing', 'requested', 'parked');
comment on table operation_children is 'The children that an operation processes, one row each.';
comment on column operation_children.state is 'planned, failing (to be retried), requested (sent to the owner), confirmed (the owner''s fact has arrived), skipped or parked.';
comment on column operation_children.reference is 'Order key of the fact that linked the child to the parent when the request was sent.';
comment on column operation_children.linked_revision is 'Of a plan: its revision; otherwise the revision at which the child was linked to the parent when it was first requested.';
comment on column operation_children.attempts is 'Failed attempts that count: after thirty the child is parked.';
comment on column operation_children.redrives is 'How often a parked child was put back to be requested again.';
comment on column operation_children.last_error is 'What the owner, or the connection to it, said last. For people only.';
comment on column operation_children.skip_reason is 'Of a skipped child, a code: left_and_returned (it left its parent and came back by another fact); null: it was no longer there.';
comment on column operation_children.park_reason is 'Of a parked child, a code: request_refused, attempts_exhausted, not_confirmed, restricted or target_deleted.';
comment on column operation_children.details is 'Values that the sentence about skip_reason or park_reason needs.';
comment on column operation_children.changed_at is 'When the state last changed.';

alter table operations rename column asked_at to requested_at;
alter table operations rename column former to former_parent;
alter table operations rename column answered to confirmed_by;
alter table operations rename column wished_after to requested_after;
alter table operations rename column asked to requested;
alter table operations rename column done to confirmed;
alter table operations rename column spared to skipped;
alter table operations rename column pending to remaining;
alter index operations_of_lives rename to operations_of_incarnation;
drop index operations_open, operations_of_parent, operations_of_child;
update operations set state = 'requested' where state = 'asked';
create index operations_open on operations (tenant, state, workflow, about, key)
    where state in ('waiting', 'requested', 'running');
create index operations_of_parent on operations (tenant, relationship, parent) where state in ('waiting', 'requested');
create index operations_of_child on operations (tenant, relationship, child) where state in ('waiting', 'requested');
comment on table operations is 'Work that a caller requested or that a deletion made necessary; carried out by a workflow.';
comment on column operations.state is 'Open: waiting (for what it needs), requested (of an owner), running (through children). Ended: done, incomplete, refused, expired, superseded or cancelled.';
comment on column operations.about is 'With workflow and key: which workflow carries it out, as in the outbox.';
comment on column operations.former_parent is 'Of a move: the parent that the child was in when the request was sent to its owner.';
comment on column operations.incarnation is 'Of a cascade: the incarnation of the entity that follows its deletion, which identifies that deletion.';
comment on column operations.confirmed_by is 'Of a move: id of the owner''s fact that carried it out.';
comment on column operations.requested_at is 'When the request was first sent to the owner.';
comment on column operations.cancelled_at is 'When its cancellation was requested.';
comment on column operations.requested_after is 'Order key of the newest fact, of the entity when its deletion was requested, of the child when its move was: a later deletion is the requested one, or means that the child is another one.';
comment on column operations.cause is 'Of a cascade: the operation that requested the deletion of the entity.';
comment on column operations.found is 'Children processed so far.';
comment on column operations.requested is 'Of the children found: those whose request was sent to the owner.';
comment on column operations.confirmed is 'Of the children found: those whose owner''s fact has arrived.';
comment on column operations.skipped is 'Of the children found: those that were no longer there when their turn came.';
comment on column operations.parked is 'Of the children found: those that their owner refused.';
comment on column operations.remaining is 'Children still to be processed, when they were last counted.';

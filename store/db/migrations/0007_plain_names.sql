-- Names of tables, columns and states become the words of docs/glossary.md. Nothing is copied; the rows are carried over.
-- Three parts: operations, waits and outbox, sums of children.

-- 1. Operations.

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
    add column details jsonb,
    add column reported_missing boolean not null default false;
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
comment on column operation_children.skip_reason is 'Of a skipped child, a code of messages/child_reasons.py: left_and_returned (it left its parent and came back by another fact); null: it was no longer there, or its operation ended before its turn.';
comment on column operation_children.park_reason is 'Why it was parked, a code of messages/child_reasons.py: request_refused, attempts_exhausted, not_confirmed, restricted or target_deleted. A parked child that is skipped when its operation ends keeps it.';
comment on column operation_children.details is 'Values that the sentence about park_reason needs.';
comment on column operation_children.reported_missing is 'Its owner replied to the last request that it does not exist, or is in another parent. If it was requested and no fact confirms that, it is requested again.';
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

-- Sentences become codes and values. What an owner said stays a text, which is only shown.

alter table idempotency_keys add column digest_version smallint not null default 1;
comment on column idempotency_keys.digest_version is '1: of Python''s repr of the request, by earlier versions; 2: of its JSON.';

-- 2. Waits and outbox.

alter table heads rename to tenant_revisions;
alter index heads_pkey rename to tenant_revisions_pkey;
comment on table tenant_revisions is 'Current revision of each tenant. Every write locks the row first, so that revision order is commit order.';

alter table intents rename to outbox;
alter index intents_pkey rename to outbox_pkey;
alter index intents_to_dispatch rename to outbox_to_dispatch;
alter index intents_dispatched rename to outbox_dispatched;
comment on table outbox is 'Workflows to start or signal, each with the fact that is the reason. A row stays until its workflow has read that fact.';

alter table waits rename column lacks to missing;
alter table waits rename column debtor to owner;
alter table waits rename column since to waiting_since;
alter table waits rename column start_at to workflow_after;
alter table waits rename column started_at to workflow_started_at;
alter table waits rename column told_at to overdue_notified_at;
alter table waits rename column note to last_error;
comment on table waits is 'One row for each instance of a relationship whose parent or child is missing, for as long as it is.';
comment on column waits.missing is 'parent or child.';
comment on column waits.owner is 'The owner whose fact would end the wait.';
comment on column waits.due is 'The deadline: after it the instance is overdue.';
comment on column waits.workflow_after is 'End of the grace period: the instance gets a workflow then, if it is still waiting.';
comment on column waits.workflow_started_at is 'When its workflow was started, or was last found running.';
comment on column waits.overdue_notified_at is 'When RelationshipOverdue was recorded for this wait.';
comment on column waits.last_error is 'Why it still waits, for people: what the owner or the connection to it said last, or which link has to come first; empty: nothing is known.';

update definitions set body = jsonb_set(body, '{via}', '"requested"') where body->>'via' = 'asked';

alter function lacking rename to missing_side;
comment on function missing_side is 'Which side an instance of a relationship waits for: parent, child (if a command requests it), or null.';

-- 3. The sums of an operation follow from the states of its children: one table of rules, and one trigger that applies it.

create view child_transitions (before, after, found, requested, confirmed, skipped, parked) as values
    ('none',      'listed',    1,  0, 0, 0,  0),
    ('none',      'planned',   1,  0, 0, 0,  0),
    ('confirmed', 'planned',   1,  0, 0, 0,  0),
    ('skipped',   'planned',   1,  0, 0, 0,  0),
    ('listed',    'requested', 0,  1, 0, 0,  0),
    ('planned',   'requested', 0,  1, 0, 0,  0),
    ('failing',   'requested', 0,  1, 0, 0,  0),
    ('requested', 'failing',   0, -1, 0, 0,  0),
    ('listed',    'parked',    0,  0, 0, 0,  1),
    ('planned',   'parked',    0,  0, 0, 0,  1),
    ('failing',   'parked',    0,  0, 0, 0,  1),
    ('requested', 'parked',    0, -1, 0, 0,  1),
    ('parked',    'failing',   0,  0, 0, 0, -1),
    ('listed',    'confirmed', 0,  0, 1, 0,  0),
    ('planned',   'confirmed', 0,  1, 1, 0,  0),
    ('failing',   'confirmed', 0,  1, 1, 0,  0),
    ('requested', 'confirmed', 0,  0, 1, 0,  0),
    ('parked',    'confirmed', 0,  0, 1, 0, -1),
    ('listed',    'skipped',   0,  0, 0, 1,  0),
    ('planned',   'skipped',   0,  0, 0, 1,  0),
    ('failing',   'skipped',   0,  0, 0, 1,  0),
    ('requested', 'skipped',   0,  0, 0, 1,  0),
    ('parked',    'skipped',   0,  0, 0, 1, -1);
comment on view child_transitions is 'What a child''s change of state adds to the sums of its operation; a change that is not listed adds nothing. none: the row is new. listed: planned, and no request was begun yet. A child that is confirmed before the reply to its request has been stored counts as requested as well.';

create function child_stage(state text, reference bytea) returns text immutable language sql
return case when state = 'planned' and reference = '' then 'listed' else state end;
comment on function child_stage is 'The state of a child, by the names of child_transitions.';

create type child_change as (tenant text, operation text, before text, after text, children bigint);

-- Once per statement (PostgreSQL manual, "Trigger Functions": maintaining a summary table). Rows before and after are
-- paired by grouping, not by a join: transition tables have no index, and sessions have hash joins switched off.
create function count_children() returns trigger language plpgsql as $$
declare
    changes child_change[];
begin
    if tg_op = 'INSERT' then
        select array_agg((c.tenant, c.operation, 'none', c.after, c.children)::child_change) into changes
        from (select tenant, operation, child_stage(state, reference) as after, count(*) as children
              from rows_after group by 1, 2, 3) c;
    else
        select array_agg((c.tenant, c.operation, c.before, c.after, c.children)::child_change) into changes
        from (select tenant, operation, before, after, count(*) as children
              from (select tenant, operation, max(before) as before, max(after) as after
                    from (select tenant, operation, relationship, child,
                                 child_stage(state, reference) as before, null as after
                          from rows_before
                          union all
                          select tenant, operation, relationship, child, null, child_stage(state, reference)
                          from rows_after) r
                    group by tenant, operation, relationship, child) p
              group by 1, 2, 3, 4) c;
    end if;
    update operations o
    set found = o.found + case when o.workflow = 'plan' and tg_op = 'UPDATE' then 0 else s.found end,
        remaining = greatest(o.remaining - s.found, 0),
        requested = o.requested + s.requested,
        confirmed = o.confirmed + s.confirmed,
        skipped = o.skipped + s.skipped,
        parked = o.parked + s.parked
    from (select c.tenant, c.operation,
                 sum(c.children * t.found) as found, sum(c.children * t.requested) as requested,
                 sum(c.children * t.confirmed) as confirmed, sum(c.children * t.skipped) as skipped,
                 sum(c.children * t.parked) as parked
          from unnest(changes) c
          join child_transitions t on t.before = c.before and t.after = c.after
          group by c.tenant, c.operation) s
    where o.tenant = s.tenant and o.id = s.operation;
    return null;
end $$;
comment on function count_children is 'Adds to the sums of operations what the changes of their children say, by child_transitions. A plan has found all of its children before it begins: found stays.';

create trigger count_new_children after insert on operation_children
    referencing new table as rows_after
    for each statement execute function count_children();
create trigger count_changed_children after update on operation_children
    referencing old table as rows_before new table as rows_after
    for each statement execute function count_children();

update plans
set report = (report::jsonb - 'life' || jsonb_build_object('incarnation', report::jsonb -> 'life'))::json
where report::jsonb ? 'life';
comment on column plans.report is 'What the plan found: parts, restrictions, and the incarnation of its entity.';

-- name: sweep_on
-- The children of an entity that is gone are being seen to, also after it was over once.
update operations set state = 'running', remaining = $3, ended_at = null where tenant = $1 and id = $2
returning *

-- name: redrive_children
-- Puts the parked children of an operation back to be requested again; returns how many.
with redriven as (
    update operation_children
    set state = 'failing', attempts = 0, redrives = redrives + 1, last_error = '', changed_at = now()
    where tenant = $1 and operation = $2 and state = 'parked'
    returning 1
)
select count(*) from redriven

-- name: resume_operation
-- Lets an operation run again.
update operations set state = 'running', reason = '', ended_at = null where tenant = $1 and id = $2
returning *

-- name: operation
-- One operation.
select * from operations where tenant = $1 and id = $2

-- name: idempotency_key
-- What this caller's idempotency key stands for.
select digest, operation from idempotency_keys where tenant = $1 and actor = $2 and idempotency_key = $3

-- name: keep_idempotency_key
-- The operation that a request began or joined.
insert into idempotency_keys values ($1, $2, $3, $4, $5)

-- name: operations_page
-- A page of operations, the newest first, of a kind and in some states if those are given.
select * from operations
where tenant = $1 and ($2::text is null or kind = $2) and ($3::text[] is null or state = any($3))
  and (created_at, id) < ($4, $5)
order by created_at desc, id desc
limit $6

-- name: operations_of_cause
-- The same of those that one operation caused.
select * from operations
where tenant = $1 and cause = $7 and ($2::text is null or kind = $2) and ($3::text[] is null or state = any($3))
  and (created_at, id) < ($4, $5)
order by created_at desc, id desc
limit $6

-- name: start_operation
-- Records an operation that begins.
insert into operations (tenant, id, kind, workflow, about, key, relationship, parent, child, plan, state, incarnation,
                        actor, created_at, due, requested_after, cause)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
        (select id from operations where tenant = $1 and id = $17))
returning *

-- name: tell_operation
-- Tells the workflow of an operation to look.
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
values ($1, $2, $3, $4, $5, $6, '/tether', $7, $8)
on conflict do nothing

-- name: end_operation
-- An operation has ended.
update operations set state = $3, reason = $4, revision = $5, ended_at = now(), stuck_since = null, remaining = 0
where tenant = $1 and id = $2

-- name: wish_to_stop
-- Somebody wishes an operation to stop.
update operations set cancelled_at = coalesce(cancelled_at, now()) where tenant = $1 and id = $2
returning *

-- name: note_operation
-- Why an operation that is under way is stuck, and since when; or (an empty text) that what began with $4 is over.
update operations
set reason = $3, stuck_since = case when $3 = '' then null else coalesce(stuck_since, now()) end
where tenant = $1 and id = $2 and state = any($5::text[]) and reason <> $3
  and ($3 <> '' or starts_with(reason, $4))

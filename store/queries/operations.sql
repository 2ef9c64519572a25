-- name: operation
-- One operation.
select * from operations where tenant = $1 and id = $2

-- name: request
-- What this caller's idempotency key stands for.
select digest, operation from requests where tenant = $1 and actor = $2 and idempotency_key = $3

-- name: keep_request
-- The operation that a request began or joined.
insert into requests values ($1, $2, $3, $4, $5)

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

-- name: current_parent
-- The parent of a child's current link.
select parent from links where tenant = $1 and relationship = $2 and child = $3 and to_revision = :open

-- name: start_operation
-- Records an operation that begins.
insert into operations (tenant, id, kind, workflow, about, key, relationship, parent, child, plan, state, incarnation,
                        actor, created_at, due, wished_after, cause)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
        (select id from operations where tenant = $1 and id = $17))
returning *

-- name: tell_operation
-- Tells the workflow of an operation to look.
insert into intents (tenant, revision, created_at, workflow, about, key, source, id, fact)
values ($1, $2, $3, $4, $5, $6, '/tether', $7, $8)
on conflict do nothing

-- name: links_to_end
-- The explicit links and unlinks of an instance that can be ended, one way or the other, oldest first.
select o.*
from operations o
left join entities p on p.tenant = $1 and p.kind = $4 and p.key = o.parent and p.to_revision = :open
left join entities c on c.tenant = $1 and c.kind = $5 and c.key = o.child and c.to_revision = :open
where o.tenant = $1 and o.workflow = 'relationship' and o.about = $2 and o.key = $3 and o.state = 'waiting'
  and (o.kind = 'unlink' or o.due <= $6 or o.cancelled_at is not null or p.state = 'deleted' or c.state = 'deleted'
       or (p.state = 'live' and c.state = 'live'))
order by o.created_at, o.id
limit $7

-- name: open_operations
-- What a workflow has to carry out, oldest first.
select * from operations
where tenant = $1 and workflow = $2 and about = $3 and key = $4 and state in ('waiting', 'asked', 'running')
order by created_at, id

-- name: end_operation
-- An operation has ended.
update operations set state = $3, reason = $4, revision = $5, ended_at = now(), stuck_since = null, pending = 0
where tenant = $1 and id = $2

-- name: ask_operation
-- The owner is about to be asked; of a move: the child was in that parent then, and this was its newest fact.
update operations
set state = 'asked', asked_at = now(), former = $3, wished_after = coalesce($4, wished_after)
where tenant = $1 and id = $2
returning *

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

-- name: latest_time
-- The latest time that an entity's facts state.
select max(time) from facts where tenant = $1 and kind = $2 and key = $3

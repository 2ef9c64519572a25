-- name: operation
-- One operation.
select * from operations where tenant = $1 and id = $2

-- name: operation_by_key
-- The operation that this caller's idempotency key started.
select * from operations where tenant = $1 and actor = $2 and idempotency_key = $3

-- name: current_parent
-- The parent of a child's current link.
select parent from links where tenant = $1 and relationship = $2 and child = $3 and to_revision = :open

-- name: start_operation
-- Records an operation that waits.
insert into operations (tenant, id, kind, relationship, parent, child, state, actor, created_at, due,
                        idempotency_key, request_digest)
values ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8, $9, $10, $11)
returning *

-- name: remember_request
-- Tells the workflow of an instance of an operation.
insert into intents (tenant, revision, created_at, relationship, parent, source, id, fact)
values ($1, $2, $3, $4, $5, '/tether', $6, $7)
on conflict do nothing

-- name: operations_to_end
-- The operations of an instance that can be ended, one way or the other, oldest first.
select o.*
from operations o
left join entities p on p.tenant = $1 and p.kind = $4 and p.key = o.parent and p.to_revision = :open
left join entities c on c.tenant = $1 and c.kind = $5 and c.key = o.child and c.to_revision = :open
where o.tenant = $1 and o.relationship = $2 and o.parent = $3 and o.state = 'waiting'
  and (o.kind = 'unlink' or o.due <= $6 or p.state = 'deleted' or c.state = 'deleted'
       or (p.state = 'live' and c.state = 'live'))
order by o.created_at, o.id
limit $7

-- name: end_operation
-- An operation has ended.
update operations set state = $3, reason = $4, revision = $5, ended_at = now() where tenant = $1 and id = $2

-- name: latest_time
-- The latest time that an entity's facts state.
select max(time) from facts where tenant = $1 and kind = $2 and key = $3

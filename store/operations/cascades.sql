-- name: operation_of_life
-- The operation that saw to this end of an entity.
select * from operations
where tenant = $1 and workflow = $2 and about = $3 and key = $4 and incarnation = $5

-- name: bind_operation
-- A deletion that was asked for has come about: its children are next.
update operations set state = 'running', incarnation = $3, reason = '', stuck_since = null
where tenant = $1 and id = $2
returning *

-- name: bind_cancelled
-- A deletion that was cancelled when its owner had been asked already: if it is what came about, its children are left.
-- The fact says so, or, where it says nothing of the kind, what was promised ($7) holds for as long as it could come.
update operations set incarnation = $5
where tenant = $1 and id = (
    select id from operations
    where tenant = $1 and workflow = $2 and about = $3 and key = $4 and state = 'cancelled' and requested_at is not null
      and incarnation is null
      and exists (select from facts f
                  where f.tenant = $1 and f.kind = $3 and f.key = $4 and f.order_key = $6
                    and (f.correlation = 'tether2.' || operations.id
                         or (coalesce(f.correlation, '') not like 'tether2.%' and operations.reason = $7
                             and operations.requested_after < $6 and operations.due >= now())))
    order by created_at desc limit 1)
returning *

-- name: fact_by_order
-- A fact of an entity by its order key; reads the facts of that entity.
select source, id, type, sequence, time, received, revision, data, correlation
from facts
where tenant = $1 and kind = $2 and key = $3 and order_key = $4
limit 1

-- name: open_operations
-- What a workflow has to carry out, oldest first.
select * from operations
where tenant = $1 and workflow = $2 and about = $3 and key = $4 and state in ('waiting', 'requested', 'running')
order by created_at, id

-- name: ask_operation
-- The owner is about to be asked; of a move: the child was in that parent then, and this was its newest fact.
update operations
set state = 'requested', requested_at = now(), former_parent = $3, requested_after = coalesce($4, requested_after)
where tenant = $1 and id = $2
returning *
